import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeContinuousMove, writeGotoPreset, writePtzStop } from './ptz.ts';
import { attributeOf, elements, elementText, faultOf, passwordDigest, writeEnvelope } from './soap.ts';

test('the password digest is that of the ONVIF programmer’s guide', () => {
  const nonce = Uint8Array.from(atob('LKqI6G/AikKCQrN0zqZFlg=='), (character) => character.charCodeAt(0));
  assert.equal(passwordDigest(nonce, '2010-09-16T07:50:45Z', 'userpassword'), 'tuOSpGlFlIXsozq4HFNeeGeFLEI=');
  const token = { username: 'a&b', password: 'userpassword', nonce, created: '2010-09-16T07:50:45Z' };
  const xml = writeEnvelope('<x/>', token);
  assert.match(xml, /<w:Username>a&amp;b<\/w:Username>/);
  assert.ok(!xml.includes('userpassword'));
});

test('elements are found whatever their prefix, tokens stay texts', () => {
  const xml =
    '<trt:Profiles token="000" fixed="true"><tt:Name>a &amp; b</tt:Name></trt:Profiles><trt:Profiles token="1"/>';
  assert.deepEqual(
    elements(xml, 'Profiles').map(({ tag }) => attributeOf(tag, 'token')),
    ['000'],
  );
  assert.equal(elementText(xml, 'Name'), 'a & b');
  assert.equal(elementText(xml, 'Nam'), undefined);
});

test('faults say who is to blame', () => {
  const fault = (code: string) =>
    `<e:Envelope><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:${code}</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">No</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>`;
  assert.equal(faultOf(fault('NotAuthorized'))?.code, 'ONVIF_NOT_AUTHORIZED');
  assert.equal(faultOf(fault('ActionNotSupported'))?.code, 'ONVIF_UNSUPPORTED');
  assert.match(faultOf(fault('InvalidArgVal'))!.message, /No/);
  assert.equal(faultOf('<a>fine</a>'), undefined);
});

test('a zoom is sent without pan and tilt; values stay within bounds', () => {
  assert.doesNotMatch(writeContinuousMove('p', { zoom: 0.5 }, 2), /PanTilt/);
  assert.match(writeContinuousMove('p', { pan: -7, tilt: 0.12345 }, 2), /x="-1" y="0.123"/);
  assert.match(writeContinuousMove('p', { pan: 1 }, 2), /<Timeout>PT2S<\/Timeout>/);
  assert.match(writePtzStop('<p>'), /<ProfileToken>&lt;p&gt;<\/ProfileToken><PanTilt>true/);
  assert.match(writeGotoPreset('p', '007'), /<PresetToken>007</);
});
