import { numbers, text, untext, type BusCase } from './bus-kit';

/** Lost links, dead processes and the end. */
export const linkCases: BusCase[] = [
  {
    title: 'loses what is published while the link is down, for good, and carries what comes later',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const { got } = await kit.collect(to, 'lost');
      from.publish(kit.topic('lost'), text('before'));
      await kit.settle(from);
      await kit.breakLink(from);
      // All through the outage, the moments of reconnecting included.
      const cancel = kit.subject.system.timers.every(5, () => {
        if (!from.connected) from.publish(kit.topic('lost'), text('down'));
      });
      from.publish(kit.topic('lost'), text('down'));
      await kit.pause(100);
      await kit.healLink(from);
      cancel();
      from.publish(kit.topic('lost'), text('after'));
      await kit.drained(from, to);
      expect(got).toEqual(['before', 'after']);
    },
  },
  {
    title: 'loses for a subscriber what is published while its link is down',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const { got } = await kit.collect(to, 'away');
      await kit.breakLink(to);
      from.publish(kit.topic('away'), text('down'));
      await kit.settle(from);
      await kit.healLink(to);
      from.publish(kit.topic('away'), text('after'));
      await kit.drained(from, to);
      expect(got).toEqual(['after']);
    },
  },
  {
    title: 'knows while the link is down: not connected, flush false, requests disconnected, each at once',
    async check(kit) {
      const bus = await kit.connect();
      expect(bus.connected).toBe(true);
      await kit.breakLink(bus);
      expect(bus.connected).toBe(false);
      const startMs = kit.nowMs;
      expect(await bus.flush(5_000)).toBe(false);
      expect(await kit.ask(bus, 'anybody', '?')).toBe('(disconnected)');
      expect(kit.nowMs - startMs).toBeLessThan(50);
      await kit.healLink(bus);
      expect(bus.connected).toBe(true);
      expect(await bus.flush(5_000)).toBe(true);
    },
  },
  {
    title: 'ends a request under way when the link breaks',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      let asked = 0;
      await kit.respond(server, 'open', () => asked++);
      const outcome = kit.ask(client, 'open', '?', { timeoutMs: 4_000 });
      await kit.eventually(() => asked === 1, 'the request arrives');
      await kit.breakLink(client);
      const startMs = kit.nowMs;
      expect(await outcome).toBe('(disconnected)');
      expect(kit.nowMs - startMs).toBeLessThan(1_000);
    },
  },
  {
    title: 'runs a request into its deadline when the replier’s link breaks before the answer',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      const replies: ((payload: Uint8Array) => void)[] = [];
      await kit.respond(server, 'open', ({ reply }) => {
        if (reply !== undefined) replies.push(reply);
      });
      const outcome = kit.ask(client, 'open', '?', { timeoutMs: 400 });
      await kit.eventually(() => replies.length === 1, 'the request arrives');
      await kit.breakLink(server);
      for (const reply of replies) reply(text('lost'));
      expect(await outcome).toBe('(timeout)');
    },
  },
  {
    title: 'calls onReconnect once for each loss, in spite of a listener that throws, and not after its removal',
    async check(kit) {
      const bus = await kit.connect();
      let kept = 0;
      let removed = 0;
      const before = kit.subject.loggedErrors();
      bus.onReconnect(() => {
        throw new Error('a listener that fails');
      });
      bus.onReconnect(() => kept++);
      const remove = bus.onReconnect(() => removed++);
      for (let loss = 1; loss <= 3; loss++) {
        await kit.breakLink(bus);
        await kit.pause(50);
        expect(kept).toBe(loss - 1);
        await kit.healLink(bus);
        await kit.eventually(() => kept === loss, 'the listener is called');
        remove();
      }
      await kit.pause(100);
      expect([kept, removed]).toEqual([3, 1]);
      expect(kit.subject.loggedErrors()).toBe(before + 3);
    },
  },
  {
    title: 'can resynchronise in onReconnect: subscriptions stand and messages leave',
    async check(kit) {
      const [a, b] = await kit.connectTwo();
      await kit.respond(b, 'resume', ({ payload, reply }) => reply?.(payload));
      const answers: string[] = [];
      a.onReconnect(() => void kit.ask(a, 'resume', 'where were we').then((answer) => answers.push(answer)));
      await kit.breakLink(a);
      await kit.healLink(a);
      await kit.eventually(() => answers.length > 0, 'an answer');
      expect(answers).toEqual(['where were we']);
    },
  },
  {
    title: 'has its subscriptions again after a reconnect: those made before and meanwhile, not those given up',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const before = await kit.collect(to, 'kept.*');
      const inGroup = await kit.collect(to, 'kept.*', { queue: 'group' });
      const givenUp = await kit.collect(to, 'kept.*');
      await kit.breakLink(to);
      givenUp.subscription.unsubscribe();
      const meanwhile: string[] = [];
      to.subscribe(kit.topic('kept.*'), ({ payload }) => meanwhile.push(untext(payload)));
      await kit.healLink(to);
      for (const number of numbers(20)) from.publish(kit.topic('kept.x'), text(number));
      await kit.drained(from, to);
      expect([before.got, inGroup.got, meanwhile]).toEqual([numbers(20), numbers(20), numbers(20)]);
      expect(givenUp.got).toEqual([]);
    },
  },
  {
    title: 'chooses no member of a queue group whose link is down',
    async check(kit) {
      const [a, b] = await kit.connectTwo();
      const client = await kit.connect();
      await kit.collect(a, 'work', { queue: 'workers' });
      b.subscribe(kit.topic('work'), ({ reply }) => reply?.(text('b')), { queue: 'workers' });
      await kit.settle(b);
      await kit.breakLink(a);
      await kit.eventually(
        async () => (await kit.ask(client, 'work', '?', { timeoutMs: 100 })) === 'b',
        'the broker notices',
      );
      for (let n = 0; n < 20; n++) expect(await kit.ask(client, 'work', '?')).toBe('b');
    },
  },
  {
    title: 'leaves no responders when the process that answered is killed, and delivers nothing to it any more',
    async check(kit) {
      const [client, victim] = await kit.connectTwo();
      const { got } = await kit.collect(victim, 'news');
      const asked: string[] = [];
      await kit.respond(victim, 'answer', ({ payload, reply }) => {
        asked.push(untext(payload));
        reply?.(text('alive'));
      });
      expect(await kit.ask(client, 'answer', 'before')).toBe('alive');
      kit.subject.kill(victim);
      await kit.eventually(
        async () => (await kit.ask(client, 'answer', 'after', { timeoutMs: 100 })) === '(no-responders)',
        'no responders',
      );
      client.publish(kit.topic('news'), text('after'));
      await kit.settle(client);
      await kit.pause(50);
      expect([got, asked]).toEqual([[], ['before']]);
    },
  },
  {
    title: 'flushes: true when publishes and subscriptions sent before have reached the broker',
    async check(kit) {
      const [a, b] = await kit.connectTwo();
      for (let n = 0; n < 20; n++) {
        const got: string[] = [];
        const subscription = a.subscribe(kit.topic('fresh'), ({ payload }) => got.push(untext(payload)));
        expect(await a.flush(5_000)).toBe(true);
        b.publish(kit.topic('fresh'), text(String(n)));
        await kit.drained(b, a);
        expect(got).toEqual([String(n)]);
        subscription.unsubscribe();
      }
    },
  },
  {
    title: 'delivers at close everything published before, and closes once however often it is asked',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: number[] = [];
      await kit.respond(to, 'last', ({ payload }) => got.push(payload[0] ?? -1));
      // More than the buffers of a socket take.
      const ballast = new Uint8Array(500_000);
      for (let n = 0; n < 40; n++) from.publish(kit.topic('last'), ballast.fill(n));
      await Promise.all([from.close(), from.close()]);
      await from.close();
      await kit.eventually(() => got.length >= 40, 'the last message');
      expect(got.map(String)).toEqual(numbers(40));
    },
  },
  {
    title: 'handles at close what was under way to it, and its replies leave; afterwards nobody answers',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      let handled = 0;
      await kit.respond(server, 'echo', ({ payload, reply }) => {
        handled++;
        reply?.(payload.subarray(0, 7));
      });
      const ballast = '#'.repeat(500_000);
      const outcomes = numbers(20).map((number) => kit.ask(client, 'echo', `in time${number}${ballast}`));
      await kit.settle(client);
      await server.close();
      expect(handled).toBe(20);
      expect(await Promise.all(outcomes)).toEqual(numbers(20).map(() => 'in time'));
      expect(await kit.ask(client, 'echo', 'too late')).toBe('(no-responders)');
    },
  },
  {
    title: 'ends requests under way at close',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'open', () => undefined);
      const outcome = kit.ask(client, 'open', '?', { timeoutMs: 4_000 });
      const startMs = kit.nowMs;
      await client.close();
      expect(await outcome).toBe('(disconnected)');
      expect(kit.nowMs - startMs).toBeLessThan(2_500);
    },
  },
  {
    title: 'is quiet after close: nothing throws, nothing is sent, nothing is delivered',
    async check(kit) {
      const [closed, other] = await kit.connectTwo();
      const { got } = await kit.collect(closed, 'quiet');
      const sent = await kit.collect(other, 'sent');
      await closed.close();
      closed.publish(kit.topic('sent'), text('after close'));
      closed.subscribe(kit.topic('quiet'), () => got.push('late subscription')).unsubscribe();
      closed.subscribe(kit.topic('quiet'), () => got.push('late subscription'));
      expect(closed.connected).toBe(false);
      expect(await closed.flush(100)).toBe(false);
      expect(await kit.ask(closed, 'sent', '?')).toBe('(disconnected)');
      other.publish(kit.topic('quiet'), text('after close'));
      await kit.drained(other, other);
      await kit.pause(20);
      expect([got, sent.got]).toEqual([[], []]);
    },
  },
  {
    title: 'closes while its link is down, and does not come back',
    async check(kit) {
      const [bus, other] = await kit.connectTwo();
      let reconnected = 0;
      bus.onReconnect(() => reconnected++);
      const { got } = await kit.collect(bus, 'gone');
      await kit.breakLink(bus);
      const startMs = kit.nowMs;
      await bus.close();
      expect(kit.nowMs - startMs).toBeLessThan(2_500);
      kit.subject.allowLink(bus);
      await kit.pause(600);
      other.publish(kit.topic('gone'), text('hello?'));
      await kit.settle(other);
      await kit.pause(50);
      expect([bus.connected, reconnected, got]).toEqual([false, 0, []]);
      expect(await kit.ask(other, 'gone', '?')).toBe('(no-responders)');
    },
  },
];
