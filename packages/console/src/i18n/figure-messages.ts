/** Words about the figures of a camera. */
// biome-ignore format: a message a line, so that the languages can be compared
export const figureMessages = {
  'stats.counted': { en: 'Since the server started', zh: '自服务器启动以来', ru: 'С запуска сервера' },
  'stats.packets': { en: 'Packets', zh: '数据包', ru: 'Пакетов' },
  'stats.damaged': { en: 'Damaged and left out', zh: '损坏并丢弃', ru: 'Повреждено и отброшено' },
  'stats.cache': { en: 'Kept in memory for viewers', zh: '为观看者缓存', ru: 'В памяти для зрителей' },
  'stats.marks': { en: 'Dashed lines: the connection to the camera was made anew.', zh: '虚线：与摄像头重新建立了连接。', ru: 'Пунктир: соединение с камерой установлено заново.' },
  'stats.repaired': { en: 'Time stamps repaired', zh: '已修复的时间戳', ru: 'Исправлено меток времени' },
  'stats.repaired_none': { en: 'none', zh: '无', ru: 'нет' },
  'repaired.jump': { en: 'jumps', zh: '跳变', ru: 'скачки' },
  'repaired.backward': { en: 'steps back', zh: '倒退', ru: 'назад' },
  'repaired.outlier': { en: 'outliers', zh: '异常值', ru: 'выбросы' },
  'repaired.duplicate': { en: 'doubles', zh: '重复', ru: 'повторы' },
  'repaired.nonMonotonic': { en: 'out of order', zh: '乱序', ru: 'не по порядку' },
  'repaired.drift': { en: 'drift', zh: '漂移', ru: 'уход часов' },
  'repaired.early': { en: 'early', zh: '提前', ru: 'раньше срока' },
  'repaired.aligned': { en: 'aligned', zh: '已对齐', ru: 'выровнено' },
  'unit.ms': { en: '{value} ms', zh: '{value} 毫秒', ru: '{value} мс' },
  'outputs.left_out': { en: '{codec} is left out', zh: '{codec}：此输出无法传送', ru: '{codec}: этот выход такого не передаёт' },
  'outputs.title': { en: 'What viewers get', zh: '各输出的内容', ru: 'Что получают зрители' },
} as const;
