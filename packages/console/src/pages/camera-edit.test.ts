import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CameraEdit, toCameraPatch } from './camera-edit.ts';

const before: CameraEdit = {
  title: 'Gate',
  sources: ['rtsp://a/1', 'rtsp://b/1'],
  subUrl: '',
  publishPath: 'studio/one',
  push: ['rtmp://c/live/***'],
  username: '',
  password: '',
  recording: { mode: 'off', schedule: '', preRoll: '', postRoll: '', retentionDays: '', maxGib: '' },
  onDemand: false,
};

const cases: readonly [string, Partial<CameraEdit>, Record<string, unknown>][] = [
  ['nothing', {}, {}],
  ['blanks around an address', { sources: [' rtsp://a/1', 'rtsp://b/1 '] }, {}],
  [
    'the order of its addresses',
    { sources: ['rtsp://b/1', 'rtsp://a/1'] },
    { source_url: 'rtsp://b/1', fallback_urls: ['rtsp://a/1'] },
  ],
  ['one address more', { sources: [...before.sources, 'rtsp://d/1'] }, { fallback_urls: ['rtsp://b/1', 'rtsp://d/1'] }],
  ['one address less', { sources: ['rtsp://a/1'] }, { fallback_urls: [] }],
  ['another place to publish', { publishPath: ' a/b ' }, { publish_path: 'a/b' }],
  ['no place to publish', { publishPath: '' }, { publish_path: null }],
  ['no targets', { push: [] }, { push: [] }],
  ['a password', { password: ' p ' }, { password: ' p ' }],
];
for (const [what, change, expected] of cases)
  test(`a form that changes ${what} sends just that`, () =>
    assert.deepEqual(toCameraPatch(before, { ...before, ...change }), expected));
