import { InvariantError } from '@parley/model';
import { numbers, text, untext, type BusCase } from './bus-kit';

/** Requests and replies, with all links up. */
export const requestCases: BusCase[] = [
  {
    title: 'answers each of many requests under way with its own reply',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'twice', ({ payload, reply }) => {
        const number = Number(untext(payload));
        // The later ones are answered first.
        kit.subject.system.timers.after(20 - number / 10, () => reply?.(text(String(number * 2))));
      });
      const answers = await Promise.all(numbers(100).map((number) => kit.ask(client, 'twice', number)));
      expect(answers).toEqual(numbers(100).map((number) => String(Number(number) * 2)));
    },
  },
  {
    title: 'carries replies as bytes: any size, and the replier may reuse its buffer',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'echo', ({ payload, reply }) => {
        const buffer = payload.slice();
        reply?.(buffer);
        buffer.fill(0);
      });
      const large = 'é'.repeat(200_000);
      expect(await kit.ask(client, 'echo', large)).toBe(large);
      expect(await kit.ask(client, 'echo', '')).toBe('');
      expect(await kit.ask(server, 'echo', 'to myself')).toBe('to myself');
    },
  },
  {
    title: 'has taken the bytes when request returns',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'echo', ({ payload, reply }) => reply?.(payload));
      const buffer = text('question');
      const outcome = client.request(kit.topic('echo'), buffer, { timeoutMs: 5_000 });
      buffer.fill(0);
      const answer = await outcome;
      expect(answer.kind === 'reply' && untext(answer.payload)).toBe('question');
    },
  },
  {
    title: 'gives a request to one member of a queue group',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      let asked = 0;
      for (let member = 0; member < 3; member++) {
        server.subscribe(kit.topic('claim'), ({ reply }) => (asked++, reply?.(text('mine'))), { queue: 'owners' });
      }
      await kit.settle(server);
      for (let n = 0; n < 20; n++) expect(await kit.ask(client, 'claim', 'who?')).toBe('mine');
      expect(asked).toBe(20);
    },
  },
  {
    title: 'says within 50 ms that nobody subscribes, before there was anybody and afterwards',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      const askNobody = async (): Promise<void> => {
        const startMs = kit.nowMs;
        expect(await kit.ask(client, 'nobody', '?')).toBe('(no-responders)');
        expect(kit.nowMs - startMs).toBeLessThan(50);
      };
      await askNobody();
      const subscription = await kit.respond(server, 'nobody', ({ reply }) => reply?.(text('somebody')));
      expect(await kit.ask(client, 'nobody', '?')).toBe('somebody');
      subscription.unsubscribe();
      await kit.settle(server);
      await askNobody();
    },
  },
  {
    title: 'ends at its deadline when nobody answers, and a reply that comes later does no harm',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      const late: ((payload: Uint8Array) => void)[] = [];
      await kit.respond(server, 'slow', ({ reply }) => {
        if (reply !== undefined) late.push(reply);
      });
      const startMs = kit.nowMs;
      expect(await kit.ask(client, 'slow', '?', { timeoutMs: 60 })).toBe('(timeout)');
      expect(kit.nowMs - startMs).toBeGreaterThanOrEqual(58);
      expect(late).toHaveLength(1);
      for (const reply of late) reply(text('too late'));
      await kit.drained(server, client);
      expect(kit.subject.loggedErrors()).toBe(0);
      await expect(kit.ask(client, 'slow', '?', { timeoutMs: 0 })).rejects.toThrow(InvariantError);
    },
  },
  {
    title: 'ends as aborted when the caller aborts; one aborted before is not sent',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      let asked = 0;
      await kit.respond(server, 'patient', () => asked++);
      const controller = new AbortController();
      const outcome = kit.ask(client, 'patient', '?', { signal: controller.signal });
      await kit.eventually(() => asked === 1, 'the request arrives');
      const startMs = kit.nowMs;
      controller.abort();
      expect(await outcome).toBe('(aborted)');
      expect(kit.nowMs - startMs).toBeLessThan(50);
      expect(await kit.ask(client, 'patient', '?', { signal: controller.signal })).toBe('(aborted)');
      await kit.drained(client, server);
      expect(asked).toBe(1);
    },
  },
  {
    title: 'leaves no listener on the signal of a request that has ended',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'echo', ({ payload, reply }) => reply?.(payload));
      const { signal } = new AbortController();
      let listening = 0;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => (listening++, add(...args));
      signal.removeEventListener = (...args: Parameters<typeof remove>) => (listening--, remove(...args));
      expect(await kit.ask(client, 'echo', 'a', { signal })).toBe('a');
      expect(await kit.ask(client, 'nobody', 'a', { signal })).toBe('(no-responders)');
      expect(listening).toBe(0);
    },
  },
  {
    title: 'waits for the final one of several replies, and takes the first where no final is asked for',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'probe', ({ reply }) => {
        reply?.(text('probing'));
        kit.subject.system.timers.after(30, () => {
          reply?.(text('granted'));
          reply?.(text('again'));
        });
      });
      const judged: string[] = [];
      const isFinal = (payload: Uint8Array): boolean => judged.push(untext(payload)) > 0 && judged.at(-1) !== 'probing';
      expect(await kit.ask(client, 'probe', '?', { isFinal })).toBe('granted');
      expect(judged).toEqual(['probing', 'granted']);
      expect(await kit.ask(client, 'probe', '?')).toBe('probing');
    },
  },
  {
    title: 'keeps its deadline when replies come and none is final',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'never', ({ reply }) => {
        for (let n = 0; n < 3; n++) kit.subject.system.timers.after(20 * n, () => reply?.(text('probing')));
      });
      const startMs = kit.nowMs;
      expect(await kit.ask(client, 'never', '?', { timeoutMs: 80, isFinal: () => false })).toBe('(timeout)');
      expect(kit.nowMs - startMs).toBeLessThan(1_000);
    },
  },
  {
    title: 'logs a reply over maxPayloadBytes as the replier’s failure, and the asker runs into its deadline',
    async check(kit) {
      const [client, server] = await kit.connectTwo();
      await kit.respond(server, 'huge', ({ reply }) => reply?.(new Uint8Array(server.maxPayloadBytes + 1)));
      expect(await kit.ask(client, 'huge', '?', { timeoutMs: 60 })).toBe('(timeout)');
      expect(kit.subject.loggedErrors()).toBe(1);
      expect(server.connected).toBe(true);
    },
  },
];
