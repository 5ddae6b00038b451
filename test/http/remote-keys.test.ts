import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { createKeyFetcher, NoRemoteKeys } from '../../http/remote-keys.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';

const uri = 'https://directory.example/jwks';
const minute = 60;
const keyIds = z.array(z.object({ kid: z.string() }).transform(({ kid }) => kid));

/** A directory that can be away, and counts how often it is asked. */
function startDirectory() {
  const clock = createMovingClock();
  const directory = { kid: 'first', isAway: false, asked: 0 };
  const answer = async () => {
    directory.asked += 1;
    if (directory.isAway) return { status: 503, headers: {}, body: Buffer.from('') };
    const keys = [{ kty: 'EC', kid: directory.kid }];
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ keys })) };
  };
  const fetchKeys = createKeyFetcher(Object.assign(answer, { close: async () => {} }), clock);
  const kids = async (atMost?: number) => keyIds.parse((await fetchKeys(uri, atMost)).keys);
  return { clock, directory, kids };
}

test('keys are kept, and asked for anew where one is missed, but not again and again', async () => {
  const { clock, directory, kids } = startDirectory();
  expect(await Promise.all([kids(), kids(), kids(0)])).toEqual(Array(3).fill(['first']));
  directory.kid = 'second';
  clock.advance(16);
  expect(await kids()).toEqual(['first']);
  expect(await kids(0)).toEqual(['second']);
  expect(await kids(0)).toEqual(['second']);
  expect(directory.asked).toBe(2);
  clock.advance(10 * minute);
  await kids();
  expect(directory.asked).toBe(3);
});

test('a key that is missed while the directory is away costs nobody the keys that are known', async () => {
  const { clock, directory, kids } = startDirectory();
  await kids();
  directory.isAway = true;
  clock.advance(16);
  const [missed, meanwhile] = await Promise.allSettled([kids(0), kids()]);
  expect(missed).toMatchObject({ status: 'rejected', reason: expect.any(NoRemoteKeys) });
  expect(meanwhile).toEqual({ status: 'fulfilled', value: ['first'] });
  expect(await kids()).toEqual(['first']);
  // Nor is it asked again before it had time to come back.
  await expect(kids(0)).rejects.toThrow(NoRemoteKeys);
  expect(directory.asked).toBe(2);
  clock.advance(16);
  directory.isAway = false;
  directory.kid = 'second';
  expect(await kids(0)).toEqual(['second']);
});

test('a directory that is away when its keys are too old is asked again after a rest', async () => {
  const { clock, directory, kids } = startDirectory();
  await kids();
  directory.isAway = true;
  clock.advance(10 * minute);
  await expect(kids()).rejects.toThrow('the answer was 503');
  await expect(kids()).rejects.toThrow('the answer was 503');
  expect(directory.asked).toBe(2);
  clock.advance(16);
  directory.isAway = false;
  expect(await kids()).toEqual(['first']);
});

test('what is no key costs a directory none of its keys, which are a hundred at most', async () => {
  const publish = (keys: readonly unknown[]) => {
    const body = Buffer.from(JSON.stringify({ keys }));
    const answer = async () => ({ status: 200, headers: {}, body });
    return createKeyFetcher(
      Object.assign(answer, { close: async () => {} }),
      createMovingClock(),
    )(uri);
  };
  const key = { kty: 'EC', kid: 'first' };
  expect(await publish([key, {}, null, 'key'])).toEqual({ keys: [key, {}, null, 'key'] });
  await expect(publish(Array(101).fill(key))).rejects.toThrow('no JSON Web Key Set');
});
