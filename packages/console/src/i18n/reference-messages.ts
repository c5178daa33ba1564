/** Words of the API browser. */
// biome-ignore format: a message a line, so that the languages can be compared
export const referenceMessages = {
  'reference.title': { en: 'API', zh: 'API', ru: 'API' },
  'reference.file': { en: 'OpenAPI file', zh: 'OpenAPI 文件', ru: 'Файл OpenAPI' },
  'reference.lead': { en: 'All that this console does goes through these routes; other programs use them with an API token.', zh: '控制台的所有操作都通过这些接口完成；其他程序可使用 API 令牌调用。', ru: 'Всё, что делает эта консоль, идёт через эти адреса; другим программам нужен токен API.' },
  'reference.find': { en: 'Find', zh: '查找', ru: 'Найти' },
  'reference.none': { en: 'No route has these words', zh: '没有匹配的接口', ru: 'Таких адресов нет' },
  'reference.needs': { en: 'Needs:', zh: '需要：', ru: 'Нужно:' },
  'reference.open': { en: 'nothing', zh: '无', ru: 'ничего' },
  'reference.parameters': { en: 'Parameters', zh: '参数', ru: 'Параметры' },
  'reference.default': { en: '({value} if missing)', zh: '（默认 {value}）', ru: '(иначе {value})' },
  'reference.body': { en: 'Body', zh: '请求体', ru: 'Тело' },
  'reference.answer': { en: 'Answer {status}', zh: '响应 {status}', ru: 'Ответ {status}' },
  'reference.try': { en: 'Ask', zh: '发送', ru: 'Спросить' },
  'reference.cut': { en: 'Only the beginning is shown.', zh: '仅显示开头部分。', ru: 'Показано только начало.' },
} as const;
