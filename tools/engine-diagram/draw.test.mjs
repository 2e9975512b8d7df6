import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changes } from './changes.cjs';
import { draw, unreached } from './draw.mjs';

const base = { each: null, inside: null };
const PHASE = { ...base, name: 'phase', path: ['phase'], discriminant: 'name', stages: ['listening', 'thinking'] };
const GENERATION = {
  ...{ ...base, name: 'generation', path: ['phase', 'response', 'generation'], discriminant: 'stage' },
  ...{ stages: ['running', 'ended'], inside: { region: 'phase', stages: ['thinking'] } },
};
const TAILS = { ...base, name: 'playout', path: ['tails', '*'], discriminant: null, stages: ['tail'], each: 'tail' };

const listening = { phase: { name: 'listening' }, tails: [] };
const thinking = (/** @type {number} */ ordinal, /** @type {string} */ stage) => ({
  phase: { name: 'thinking', response: { ordinal, generation: { stage } } },
  tails: [],
});

describe('changes of stage', () => {
  it('are those of every region, with null for what is not there', () => {
    assert.deepEqual(changes([PHASE, GENERATION, TAILS], listening, thinking(1, 'running')), [
      { region: 'phase', from: 'listening', to: 'thinking' },
      { region: 'generation', from: null, to: 'running' },
    ]);
    assert.deepEqual(changes([PHASE, GENERATION], thinking(1, 'running'), thinking(1, 'ended')), [
      { region: 'generation', from: 'running', to: 'ended' },
    ]);
    assert.deepEqual(changes([PHASE, GENERATION], thinking(1, 'ended'), thinking(1, 'ended')), []);
  });

  it('tell the part of one response from that of the next', () => {
    assert.deepEqual(changes([GENERATION], thinking(1, 'running'), thinking(2, 'running')), [
      { region: 'generation', from: 'running', to: null },
      { region: 'generation', from: null, to: 'running' },
    ]);
  });

  it('tell the elements of an array by their ids, wherever they stand', () => {
    const tails = (/** @type {string[]} */ ...ids) => ({ tails: ids.map((responseId) => ({ responseId })) });
    assert.deepEqual(changes([TAILS], tails('a', 'b'), tails('b')), [{ region: 'playout', from: 'tail', to: null }]);
    assert.deepEqual(changes([TAILS], null, tails('a')), [{ region: 'playout', from: null, to: 'tail' }]);
    assert.deepEqual(changes([TAILS], tails('a', 'b'), tails('b', 'a')), []);
  });
});

describe('the diagram', () => {
  const turn = { region: 'phase', from: 'listening', to: 'thinking' };
  const begin = { region: 'phase', from: null, to: 'listening', input: null };

  it('groups what leads from one stage to the next by the kind of input', () => {
    const drawn = draw(
      [PHASE],
      [
        begin,
        { ...turn, input: 'final-transcript', isClient: true },
        { ...turn, input: 'taken-over' },
        { ...turn, input: 'asked', isClient: true },
        { ...turn, input: 'reported' },
      ],
    );
    assert.equal(
      drawn,
      [
        'stateDiagram-v2',
        '  state "phase" as phase {',
        '    state "listening" as phase_listening',
        '    state "thinking" as phase_thinking',
        '    [*] --> phase_listening',
        '    phase_listening --> phase_thinking: asked, final-transcript, reported,<br/>taken-over',
        '  }',
      ].join('\n'),
    );
  });

  it('names no single client input where almost any will do', () => {
    const any = ['a', 'b', 'c', 'd', 'e'].map((input) => ({ ...turn, input, isClient: true }));
    assert.match(draw([PHASE], any), /phase_thinking: client inputs$/m);
    assert.match(draw([PHASE], any.slice(1)), /phase_thinking: b, c, d,<br\/>e$/m);
  });

  it('leaves the end of a part to the region that it is part of', () => {
    const drawn = draw(
      [GENERATION],
      [
        { region: 'generation', from: null, to: 'running', input: 'final-transcript', isClient: true },
        { region: 'generation', from: 'running', to: null, input: 'interrupted', isClient: true },
      ],
    );
    assert.match(drawn, /state "generation, inside thinking" as generation \{/);
    assert.deepEqual(drawn.match(/.* --> .*/g), ['    [*] --> generation_running']);
  });

  it('is wrong when a stage is entered by nothing', () => {
    assert.deepEqual(unreached([PHASE], [begin]), ['phase: no test of the engine enters "thinking"']);
    assert.deepEqual(unreached([PHASE], [begin, { ...turn, input: 'asked' }]), []);
  });
});
