import type { Words } from '../i18n/language.ts';
import { codecLabel, type QualityChoice } from './codec-support.ts';

/** What has to be said about a large picture that is not the one that was wanted; null where it is, or where there is none. */
export function qualityNote(t: Words['t'], { undecodable, quality, pictures }: QualityChoice): string | null {
  if (undecodable === null) return null;
  const codec = codecLabel(undecodable);
  if (quality === 'sub') return t('player.second_quality', { codec });
  return pictures === 'key' ? t('player.key_pictures', { codec }) : null;
}
