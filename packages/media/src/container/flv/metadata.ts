import { concatBytes } from '@watchpost/base/bytes.ts';
import type { Track } from '../../types.ts';
import { type AmfObject, type AmfValue, writeAmf0, writeEcmaArray } from './amf0.ts';
import { fourCcOf, soundFormat, videoId } from './codes.ts';
import { type FlvH265, oldMp3Format } from './sequence-header.ts';

/** Body of the script tag `onMetaData` (Adobe FLV v10.1 §E.5): what players show, and allocate by. */
export function writeMetadata(tracks: readonly Track[], h265: FlvH265): Uint8Array {
  const values: Record<string, AmfValue> = {};
  for (const track of tracks) Object.assign(values, track.kind === 'video' ? ofVideo(track, h265) : ofAudio(track));
  return concatBytes([writeAmf0('onMetaData'), writeEcmaArray({ ...values, encoder: 'Watchpost' })]);
}

function ofVideo(track: Track, h265: FlvH265): AmfObject {
  const old = track.codec === 'h264' ? videoId.h264 : videoId.h265;
  const isOld = track.codec === 'h264' || (track.codec === 'h265' && h265 === 'id12');
  return {
    ...(track.width === undefined ? {} : { width: track.width }),
    ...(track.height === undefined ? {} : { height: track.height }),
    ...(track.fps === undefined ? {} : { framerate: track.fps }),
    videocodecid: isOld ? old : fourCcOf[track.codec],
  };
}

function ofAudio(track: Track): AmfObject {
  const { codec } = track;
  const isOld = codec === 'aac' || codec === 'pcma' || codec === 'pcmu';
  const old = codec === 'mp3' ? oldMp3Format(track) : isOld ? soundFormat[codec] : undefined;
  return {
    audiocodecid: old ?? fourCcOf[codec],
    audiosamplerate: track.sampleRate ?? track.clockRate,
    audiosamplesize: 16,
    stereo: (track.channels ?? 1) > 1,
  };
}

/** Which kinds of track `onMetaData` tells of, with or without `@setDataFrame` before it; undefined where it tells of none. */
export function announcedKinds(values: readonly AmfValue[]): { video: boolean; audio: boolean } | undefined {
  const at = values[0] === '@setDataFrame' ? 1 : 0;
  const metadata = values[at + 1];
  if (values[at] !== 'onMetaData' || typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return undefined;
  }
  const told = metadata as AmfObject;
  const has = (key: string) => Object.hasOwn(told, key) && told[key] !== undefined && told[key] !== 0;
  const video = has('videocodecid') || has('width');
  const audio = has('audiocodecid') || has('audiosamplerate');
  return video || audio ? { video, audio } : undefined;
}
