import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { parseReplicas } from './arguments.mjs';
import { environmentFor } from './environment.mjs';
import { startForwarder } from './forwarder.mjs';
import { announcementIn } from './replica.mjs';

describe('the numbers of replicas', () => {
  it('are what was asked for, and nothing else', () => {
    assert.deepEqual(parseReplicas([]), {});
    assert.deepEqual(parseReplicas(['--gateway', '2', '--avatar=0']), { gateway: 2, avatar: 0 });
  });

  for (const args of [
    ['--gateway', '0'],
    ['--tts', '-1'],
    ['--tts', '65'],
    ['--tts', 'two'],
    ['--tts'],
    ['--web', '1'],
    ['2'],
  ]) {
    it(`refuse ${args.join(' ')}`, () => assert.throws(() => parseReplicas(args)));
  }
});

describe('the environment of a replica', () => {
  const table = [
    { name: 'OPENAI_API_KEY', roles: ['orchestrator'] },
    { name: 'NATS_URL', roles: ['orchestrator', 'gateway'] },
  ];

  it('has its own variables and what any program needs', () => {
    const environment = {
      OPENAI_API_KEY: 'k',
      NATS_URL: 'n',
      PATH: 'p',
      HOME: 'h',
      AWS_SECRET_ACCESS_KEY: 's',
      X: undefined,
    };
    assert.deepEqual(environmentFor('orchestrator', environment, table), {
      OPENAI_API_KEY: 'k',
      NATS_URL: 'n',
      PATH: 'p',
      HOME: 'h',
    });
    assert.deepEqual(environmentFor('gateway', environment, table), { NATS_URL: 'n', PATH: 'p', HOME: 'h' });
  });
});

describe('what a replica says of where it listens', () => {
  for (const [format, lines] of /** @type {const} */ ([
    ['readable', ['READY http://127.0.0.1:80', 'TLS https://127.0.0.1:443 certificate=/a/b.pem']],
    [
      'JSON',
      [
        '{"level":"info","role":"gateway","url":"http://127.0.0.1:80","message":"READY"}',
        '{"level":"info","role":"gateway","url":"https://127.0.0.1:443","certificate":"/a/b.pem","message":"TLS"}',
      ],
    ],
  ])) {
    it(`is read from a ${format} log`, () => {
      assert.deepEqual(lines.map(announcementIn), [
        { what: 'READY', url: 'http://127.0.0.1:80' },
        { what: 'TLS', url: 'https://127.0.0.1:443' },
      ]);
    });
  }

  for (const line of [
    '12:00:00.000 info  gateway READY http://127.0.0.1:80',
    '{"url":"http://127.0.0.1:80","message":"connected"}',
    '{"message":"READY"}',
    '{ READY http://127.0.0.1:80',
  ]) {
    it(`is not ${line}`, () => assert.equal(announcementIn(line), undefined));
  }
});

describe('the forwarder', () => {
  /** @type {(() => unknown)[]} */
  const closing = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** A gateway that answers each line with its name and the line. @param {string} name */
  async function startTarget(name) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => socket.write(`${name} ${data}`));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const address = server.address();
    return { host: '127.0.0.1', port: address !== null && typeof address === 'object' ? address.port : 0, server };
  }

  /** @param {{ host: string, port: number }[]} targets */
  async function startForwarding(targets) {
    const forwarder = await startForwarder({ host: '127.0.0.1', port: 0, targets: () => targets });
    closing.push(() => forwarder.close());
    return forwarder;
  }

  /** @param {number} port */
  async function ask(port) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('hello');
    const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])]);
    return { socket, answer: String(answer) };
  }

  it('takes the gateways in turn and passes bytes both ways', async () => {
    const { port } = await startForwarding([await startTarget('a'), await startTarget('b')]);
    const answers = [];
    for (let index = 0; index < 4; index++) {
      const { socket, answer } = await ask(port);
      answers.push(answer);
      socket.destroy();
    }
    assert.deepEqual(answers.sort(), ['a hello', 'a hello', 'b hello', 'b hello']);
  });

  it('skips one that does not answer', async () => {
    const dead = await startTarget('dead');
    dead.server.close();
    const { port } = await startForwarding([dead, await startTarget('b')]);
    for (let index = 0; index < 3; index++) {
      const { socket, answer } = await ask(port);
      assert.equal(answer, 'b hello');
      socket.destroy();
    }
  });

  it('closes at once when there is none', async () => {
    const { port } = await startForwarding([]);
    assert.equal((await ask(port)).answer, 'closed');
  });

  it('closes the one side when the other is gone, in both directions', async () => {
    const target = await startTarget('a');
    const { port } = await startForwarding([target]);
    const accepted = once(target.server, 'connection');
    const { socket } = await ask(port);
    const [upstream] = await accepted;
    upstream.destroy();
    await once(socket, 'close');
    const acceptedAgain = once(target.server, 'connection');
    const second = await ask(port);
    const [upstreamAgain] = await acceptedAgain;
    second.socket.destroy();
    await once(upstreamAgain, 'close');
  });

  it('cuts what it carries when it closes', async () => {
    const forwarder = await startForwarding([await startTarget('a')]);
    const { socket } = await ask(forwarder.port);
    const closed = once(socket, 'close');
    await forwarder.close();
    await closed;
    closing.pop();
  });
});
