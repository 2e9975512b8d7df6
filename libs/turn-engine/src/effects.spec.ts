import { startsAtOnce } from './effects';
import { EngineDriver } from './testing/engine-driver';

describe('what waits for the write that holds it', () => {
  it('[G6][CL2] is all that a client can notice and the release; the rest starts at once', () => {
    const talk = EngineDriver.attached().answers('It is sunny. ').says('Again').interrupts();
    talk.step({ kind: 'gateway-lost' });
    const kinds = (atOnce: boolean): string[] => [
      ...new Set(talk.history.filter((effect) => startsAtOnce(effect) === atOnce).map(({ kind }) => kind)),
    ];
    expect(kinds(false)).toEqual(['emit', 'close-session']);
    expect(kinds(true).sort()).toEqual([
      ...['cancel-voice', 'end-voice', 'observe', 'open-voice', 'speak-segment', 'start-generation'],
    ]);
  });
});
