import { createLogger } from '../../create-logger.js';

function logged(cause: unknown) {
  const lines: string[] = [];
  createLogger('info', { write: (line) => void lines.push(line) }).error({ cause }, 'failed');
  return lines.join('');
}

test('an error in the log has its name, code, message and stack, and those of its causes', () => {
  const inner = Object.assign(new TypeError('connection lost'), { code: 'ECONNRESET' });
  const line = JSON.parse(logged(new Error('not committed', { cause: inner })));
  expect(line).toMatchObject({
    msg: 'failed',
    cause: {
      name: 'Error',
      message: 'not committed',
      stack: expect.stringContaining('create-logger.test'),
      cause: { name: 'TypeError', code: 'ECONNRESET', message: 'connection lost' },
    },
  });
});

test('what a library hangs on its errors is not logged', () => {
  const error = Object.assign(new Error('claim refused'), { payload: { sub: 'a person' } });
  expect(logged(new Error('refused', { cause: error }))).not.toContain('a person');
  expect(logged({ access_token: 'a token' })).not.toContain('a token');
});

test('an error that is its own cause ends the description, not the process', () => {
  const error = new Error('circle');
  error.cause = error;
  expect(logged(error)).toContain('circle');
});

test.each(['{"client_secret":LEAKCANARY', 'LEAKCANARY', '{"a":1} LEAKCANARY\n  at LEAKCANARY'])(
  'what was to be JSON is not quoted: %s',
  (text) => {
    let failure: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      failure = error;
    }
    const line = logged(new Error('refused', { cause: failure }));
    expect(line).not.toContain('LEAK');
    expect(JSON.parse(line).cause.cause).toMatchObject({
      name: 'SyntaxError',
      stack: expect.stringContaining('create-logger.test'),
    });
  },
);
