import { InvariantError } from '@parley/model';
import { numbers, text, untext, type BusCase } from './bus-kit';

/** Publish and subscribe, with all links up. */
export const deliveryCases: BusCase[] = [
  {
    title: 'delivers to every subscription, the publisher’s own included, and never synchronously',
    async check(kit) {
      const [a, b] = await kit.connectTwo();
      const first = await kit.collect(a, 'news');
      const second = await kit.collect(b, 'news');
      const third = await kit.collect(b, 'news');
      a.publish(kit.topic('news'), text('hello'));
      expect([first.got, second.got, third.got]).toEqual([[], [], []]);
      await kit.drained(a, b);
      await kit.drained(a, a);
      expect([first.got, second.got, third.got]).toEqual([['hello'], ['hello'], ['hello']]);
    },
  },
  {
    title: 'hands over the subject, and no reply for what was published',
    async check(kit) {
      const bus = await kit.connect();
      const seen: unknown[] = [];
      bus.subscribe(kit.topic('a.*'), ({ subject, reply }) => seen.push([subject, reply]));
      bus.publish(kit.topic('a.one'), text(''));
      await kit.drained(bus, bus);
      expect(seen).toEqual([[kit.topic('a.one'), undefined]]);
    },
  },
  {
    title: '`*` stands for exactly one token, a final `>` for one or more',
    async check(kit) {
      const bus = await kit.connect();
      const patterns = ['a', 'a.*', '*.b', 'a.>', 'a.*.c', '*.*', '>', 'a.b.>'];
      const seen = new Map<string, string[]>();
      for (const pattern of patterns) seen.set(pattern, (await kit.collect(bus, pattern)).got);
      for (const name of ['a', 'a.b', 'a.b.c', 'x.b', 'ab']) bus.publish(kit.topic(name), text(name));
      await kit.drained(bus, bus);
      // The message that tells the end matches the widest pattern too.
      const got = patterns.map((pattern) => [pattern, seen.get(pattern)?.filter((name) => name !== 'end')]);
      expect(Object.fromEntries(got)).toEqual({
        a: ['a'],
        'a.*': ['a.b'],
        '*.b': ['a.b', 'x.b'],
        'a.>': ['a.b', 'a.b.c'],
        'a.*.c': ['a.b.c'],
        '*.*': ['a.b', 'x.b'],
        '>': ['a', 'a.b', 'a.b.c', 'x.b', 'ab'],
        'a.b.>': ['a.b.c'],
      });
    },
  },
  {
    title: 'keeps the order of 10,000 messages from one publisher',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const { got } = await kit.collect(to, 'count.>');
      // Over two subjects: the order is per publisher and subscriber, not per subject.
      for (const number of numbers(10_000)) from.publish(kit.topic(`count.${number.at(-1)}`), text(number));
      await kit.drained(from, to);
      expect(got).toEqual(numbers(10_000));
    },
  },
  {
    title: 'gives each message to exactly one member of a queue group, and uses all members',
    async check(kit) {
      const [publisher, other] = await kit.connectTwo();
      const members = [];
      for (const bus of [publisher, other, other]) members.push(await kit.collect(bus, 'work', { queue: 'workers' }));
      const plain = await kit.collect(other, 'work');
      for (const number of numbers(300)) publisher.publish(kit.topic('work'), text(number));
      await kit.drained(publisher, publisher);
      await kit.drained(publisher, other);
      const shared = members.flatMap(({ got }) => got);
      expect(shared.map(Number).sort((a, b) => a - b)).toEqual(numbers(300).map(Number));
      // 100 each on average; 30 or fewer has a chance of less than 10^-15.
      for (const { got } of members) expect(got.length).toBeGreaterThan(30);
      expect(plain.got).toHaveLength(300);
    },
  },
  {
    title: 'gives each message to one member of every queue group',
    async check(kit) {
      const [a, b] = await kit.connectTwo();
      const red = [await kit.collect(a, 'work', { queue: 'red' }), await kit.collect(b, 'work', { queue: 'red' })];
      const blue = [await kit.collect(a, 'work', { queue: 'blue' }), await kit.collect(b, 'work', { queue: 'blue' })];
      for (const number of numbers(40)) a.publish(kit.topic('work'), text(number));
      await kit.drained(a, a);
      await kit.drained(a, b);
      for (const group of [red, blue]) expect(group.flatMap(({ got }) => got)).toHaveLength(40);
    },
  },
  {
    title: 'stops delivery at once when unsubscribed, in the middle of a burst too, and twice is once',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: string[] = [];
      const subscription = to.subscribe(kit.topic('burst'), ({ payload }) => {
        got.push(untext(payload));
        if (got.length === 3) subscription.unsubscribe();
      });
      const stays = await kit.collect(to, 'burst');
      for (const number of numbers(100)) from.publish(kit.topic('burst'), text(number));
      await kit.drained(from, to);
      subscription.unsubscribe();
      from.publish(kit.topic('burst'), text('later'));
      await kit.drained(from, to);
      expect(got).toEqual(['0', '1', '2']);
      expect(stays.got).toHaveLength(101);
    },
  },
  {
    title: 'delivers to a member that leaves its group what was under way to it, and sends the rest to the others',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: string[] = [];
      const options = { queue: 'workers' };
      const subscription = to.subscribe(
        kit.topic('work'),
        ({ payload }) => {
          got.push(untext(payload));
          if (got.length === 3) subscription.leave();
        },
        options,
      );
      await kit.settle(to);
      for (const number of numbers(100)) from.publish(kit.topic('work'), text(number));
      await kit.drained(from, to);
      expect(got).toEqual(numbers(100));
      const stays = await kit.collect(from, 'work', options);
      for (const number of numbers(20)) from.publish(kit.topic('work'), text(number));
      await kit.drained(from, from);
      await kit.drained(from, to);
      expect([got.length, stays.got.length]).toEqual([100, 20]);
      stays.subscription.leave();
      stays.subscription.leave();
      await kit.settle(from);
      expect(await kit.ask(to, 'work', 'who?')).toBe('(no-responders)');
    },
  },
  {
    title: 'stops at once when it is unsubscribed after it has left',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: string[] = [];
      const subscription = to.subscribe(kit.topic('burst'), ({ payload }) => {
        got.push(untext(payload));
        if (got.length === 2) subscription.leave();
        if (got.length === 3) subscription.unsubscribe();
      });
      await kit.settle(to);
      for (const number of numbers(100)) from.publish(kit.topic('burst'), text(number));
      await kit.drained(from, to);
      expect(got).toEqual(['0', '1', '2']);
    },
  },
  {
    title: 'has taken the bytes when publish returns: the sender may reuse its buffer',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const { got } = await kit.collect(to, 'reuse');
      const buffer = text('000000');
      for (const number of ['first.', 'second', 'third.']) {
        buffer.set(text(number));
        from.publish(kit.topic('reuse'), buffer);
      }
      buffer.fill(0);
      await kit.drained(from, to);
      expect(got).toEqual(['first.', 'second', 'third.']);
    },
  },
  {
    title: 'carries any bytes unchanged: all values, line ends, nothing at all, a part of a larger buffer',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: number[][] = [];
      await kit.respond(to, 'bytes', ({ payload }) => got.push([...payload]));
      const all = Uint8Array.from({ length: 256 }, (_, value) => value);
      const payloads = [all, text('MSG a 1 2\r\n\r\nPING\r\n'), new Uint8Array(0), all.subarray(13, 17)];
      for (const payload of payloads) from.publish(kit.topic('bytes'), payload);
      await kit.drained(from, to);
      expect(got).toEqual(payloads.map((payload) => [...payload]));
    },
  },
  {
    title: 'gives each receiver bytes of its own',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: string[] = [];
      for (let n = 0; n < 3; n++) {
        await kit.respond(to, 'own', ({ payload }) => {
          got.push(untext(payload));
          payload.fill(0);
        });
      }
      const sent = text('mine');
      from.publish(kit.topic('own'), sent);
      await kit.drained(from, to);
      expect(got).toEqual(['mine', 'mine', 'mine']);
      expect(untext(sent)).toBe('mine');
    },
  },
  {
    title: 'drops the message whose handler threw, logs it, and goes on',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const got: string[] = [];
      await kit.respond(to, 'fragile', ({ payload }) => {
        if (untext(payload) === '1') throw new Error('a handler that fails');
        got.push(untext(payload));
      });
      const other = await kit.collect(to, 'fragile');
      const before = kit.subject.loggedErrors();
      for (const number of numbers(4)) from.publish(kit.topic('fragile'), text(number));
      await kit.drained(from, to);
      expect(got).toEqual(['0', '2', '3']);
      expect(other.got).toEqual(numbers(4));
      expect(kit.subject.loggedErrors()).toBe(before + 1);
      expect(to.connected).toBe(true);
    },
  },
  {
    title: 'carries a payload of maxPayloadBytes and refuses one byte more as our own bug',
    async check(kit) {
      const [from, to] = await kit.connectTwo();
      const sizes: number[] = [];
      await kit.respond(to, 'large', ({ payload }) => sizes.push(payload.length));
      const tooLarge = new Uint8Array(from.maxPayloadBytes + 1);
      from.publish(kit.topic('large'), tooLarge.subarray(1));
      expect(() => from.publish(kit.topic('large'), tooLarge)).toThrow(InvariantError);
      await expect(from.request(kit.topic('large'), tooLarge, { timeoutMs: 100 })).rejects.toThrow(InvariantError);
      await kit.drained(from, to);
      expect(sizes).toEqual([from.maxPayloadBytes]);
      expect(from.maxPayloadBytes).toBeGreaterThanOrEqual(512 * 1024);
      expect(from.connected).toBe(true);
    },
  },
  {
    title: 'refuses malformed subjects as our own bug, whether the link is up or not',
    async check(kit) {
      const bus = await kit.connect();
      const neither = ['', '.', 'a..b', '.a', 'a.', 'a b', 'a\tb', 'a\r\nPING', 'a*.b', '>.a', 'a.b>', 'x'.repeat(500)];
      const check = async (): Promise<void> => {
        for (const subject of [...neither, 'a.*', 'a.>', '*', '>']) {
          expect(() => bus.publish(subject, text(''))).toThrow(InvariantError);
          await expect(bus.request(subject, text(''), { timeoutMs: 100 })).rejects.toThrow(InvariantError);
        }
        for (const pattern of neither) expect(() => bus.subscribe(pattern, () => undefined)).toThrow(InvariantError);
        for (const queue of ['', 'a b', 'a\n']) {
          expect(() => bus.subscribe('a', () => undefined, { queue })).toThrow(InvariantError);
        }
      };
      await check();
      await kit.settle(bus);
      await kit.breakLink(bus);
      await check();
    },
  },
];
