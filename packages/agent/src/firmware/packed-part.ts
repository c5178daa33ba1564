import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Plugin } from 'rolldown';

const packages = fileURLToPath(new URL('../../../', import.meta.url));
/** The module that loads the part, and the part. */
const loader = `${packages}agent/src/publish/load-rtmp.ts`;
const part = `${packages}agent/src/publish/rtmp-session.ts`;
const unpacker = `${packages}agent/src/platform/node-part.ts`;

/**
 * What the part uses and the agent has anyway: the part gets it once it is loaded, so that none of its modules may use it
 * where they are loaded. All that it uses of these modules is named.
 */
const shared: Readonly<Record<string, readonly string[]>> = {
  [`${packages}agent/src/publish/publish-reach.ts`]: ['publishRefusal', 'publishTarget'],
  [`${packages}base/src/errors.ts`]: ['WatchpostError', 'toWatchpostError'],
  [`${packages}base/src/hash/md5.ts`]: ['md5'],
  [`${packages}base/src/source-url.ts`]: ['parseSourceUrl', 'redactTarget'],
  [`${packages}media/src/codec/aac/config.ts`]: ['aacChannelCounts', 'aacSampleRates', 'parseAudioSpecificConfig'],
  [`${packages}media/src/codec/bit-reader.ts`]: ['BitReader'],
  [`${packages}media/src/codec/h264/sps.ts`]: ['parseH264Sps'],
  [`${packages}media/src/codec/h265/sps.ts`]: ['parseH265Sps'],
  [`${packages}media/src/codec/malformed.ts`]: ['malformed'],
  [`${packages}media/src/rtmp/address.ts`]: ['parseRtmpAddress'],
  [`${packages}media/src/rtp/packet.ts`]: ['parseRtpPacket'],
};
const sharedNames = Object.values(shared).flat();

const partId = '\0part';
const sharedId = '\0shared';
/** The part, with a function that takes what it shares, in the order of the names: names would be bytes twice. */
const partCode = `export * from ${quote(part)};export{share}from ${quote(sharedId)};`;
const sharedCode = `export let ${sharedNames};export const share=(all)=>{[${sharedNames}]=all;};`;

/** Bundles a module into one. */
type BundleModule = (entry: string, plugins: Plugin[]) => Promise<string>;

/**
 * Puts publishing over RTMP into the bundle as packed text, which `load-rtmp.ts` unpacks where it is needed: few agents
 * need it, and it costs the others neither memory nor much of their flash.
 */
export function packParts(bundle: BundleModule): Plugin {
  return {
    name: 'packed-part',
    load: async (id) => {
      if (id !== loader) return undefined;
      const code = await bundle(partId, [partModules]);
      // The name in stack traces, in place of the whole text.
      const packed = pack(`${code}//# sourceURL=rtmp-session.js`);
      const imports = Object.entries(shared).map(([module, names]) => `import{${names}}from ${quote(module)};`);
      const load = `let part;export const loadRtmp=()=>part??=unpackPart(${quote(packed)},[${sharedNames}]);`;
      return `import{unpackPart}from ${quote(unpacker)};${imports.join('')}${load}`;
    },
  };
}

/** In the part, the modules that it shares export what it was given. A name that is not listed fails the build. */
const partModules: Plugin = {
  name: 'part-modules',
  resolveId: (id) => (id === partId || id === sharedId ? id : undefined),
  load: (id) => {
    if (id === partId) return partCode;
    if (id === sharedId) return sharedCode;
    const names = shared[id];
    return names && `export{${names}}from ${quote(sharedId)};`;
  },
};

function pack(code: string): string {
  const bytes = Buffer.from(code);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    // Of minified code, a little less than with the usual distance codes and window (RFC 7932 §4, §9.1).
    [constants.BROTLI_PARAM_NPOSTFIX]: 3,
    [constants.BROTLI_PARAM_NDIRECT]: 8,
    [constants.BROTLI_PARAM_LGWIN]: 16,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return textOfBytes(brotliCompressSync(bytes, { params }));
}

/** Five characters of each four bytes, as `bytesOfText` (platform/node-part.ts) reads them; zeros fill up the last four. */
export function textOfBytes(bytes: Uint8Array): string {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  const view = new DataView(whole.buffer);
  let text = '';
  for (let at = 0; at < whole.length; at += 4) {
    let digits = '';
    for (let value = view.getUint32(at), i = 0; i < 5; i++, value = Math.floor(value / 85))
      digits = characterOf(value % 85) + digits;
    text += digits;
  }
  return text;
}

function characterOf(digit: number): string {
  return String.fromCharCode(digit + (digit > 54 ? 42 : digit > 51 ? 41 : 40));
}

function quote(text: string): string {
  return JSON.stringify(text);
}
