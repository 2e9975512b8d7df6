import { MAX_KEPT_EVENTS, SentEvents } from './sent-events';
import type { DurableEvent } from './sent-events';

const final = (n: number): DurableEvent => ({
  type: 'parley.transcript.final',
  turn_id: `turn_${n}`,
  text: `text ${n}`,
  event_id: `event_${n}`,
});

function sent(count: number): SentEvents {
  const events = new SentEvents();
  for (let n = 1; n <= count; n++) events.add(final(n));
  return events;
}

const left = (events: SentEvents): string[] => events.unapplied().map(({ event_id: id }) => id);

describe('durable events', () => {
  it('are sent again in their order, as they were, until they are applied', () => {
    expect(sent(3).unapplied()).toEqual([final(1), final(2), final(3)]);
  });

  it('are forgotten up to the last one that was applied', () => {
    const events = sent(4);
    events.applied('event_3');
    expect(left(events)).toEqual(['event_4']);
  });

  it('are forgotten up to a turn that was accepted', () => {
    const events = sent(4);
    events.turnAccepted('turn_2');
    expect(left(events)).toEqual(['event_3', 'event_4']);
  });

  it.each([null, 'event_of_before'])('are all kept when the last one applied is %s', (last) => {
    const events = sent(2);
    events.applied(last);
    expect(left(events)).toEqual(['event_1', 'event_2']);
  });

  it('are not sent again once refused, and a refusal proves nothing of those before', () => {
    const events = sent(3);
    events.refused('event_2');
    expect(left(events)).toEqual(['event_1', 'event_3']);
  });

  it('are forgotten up to a refused one that the owner had applied', () => {
    const events = sent(3);
    events.refused('event_2');
    events.applied('event_2');
    expect(left(events)).toEqual(['event_3']);
  });

  it('are bounded: the oldest is given up, and named', () => {
    const events = sent(MAX_KEPT_EVENTS);
    expect(events.add(final(0))).toEqual(final(1));
    expect(left(events)).toHaveLength(MAX_KEPT_EVENTS);
    expect(left(events).at(-1)).toBe('event_0');
  });
});
