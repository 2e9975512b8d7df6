import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readRegions } from './regions.mjs';

describe('regions of the engine', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'parley-regions-'));
  });
  after(() => rm(dir, { recursive: true }));

  /** @param {string} source */
  async function regionsOf(source) {
    const file = path.join(dir, 'state.ts');
    await writeFile(file, source);
    return readRegions(file);
  }

  it('are all that has stages, with those as declared, and what is inside a stage', async () => {
    const regions = await regionsOf(`
      type Phase =
        | { name: 'idle' }
        | { name: 'thinking'; response: Response }
        | { name: 'speaking'; response: Response };
      interface Response { id: string; generation: Generation }
      type Generation = { stage: 'running' | 'ended'; text: string };
      export interface EngineState { phase: Phase; nextOrdinal: number; avatar: { stage: 'empty' } | null }
    `);
    assert.deepEqual(regions, [
      {
        ...{ name: 'phase', path: ['phase'], discriminant: 'name', each: null },
        ...{ stages: ['idle', 'thinking', 'speaking'], inside: null },
      },
      {
        ...{ name: 'generation', path: ['phase', 'response', 'generation'], discriminant: 'stage', each: null },
        ...{ stages: ['running', 'ended'], inside: { region: 'phase', stages: ['thinking', 'speaking'] } },
      },
      {
        ...{ name: 'avatar', path: ['avatar'], discriminant: 'stage', each: null },
        ...{ stages: ['empty'], inside: null },
      },
    ]);
  });

  it('are what says so, in an array or beside null, and what has stages in an array', async () => {
    const regions = await regionsOf(`
      type QueuedTurn = { turnId: string } & ({ kind: 'said'; text: string } | { kind: 'asked' });
      type Call = { stage: 'asked' } | { stage: 'answered' };
      type Item = { role: 'user'; name: string } | { role: 'call'; outcome: { stage: 'open' | 'known' } };
      interface Speculation {
        starts: number;
        /** Region "speculation": an early answer. */
        run: { text: string } | null;
      }
      export interface EngineState {
        history: Item[];
        /** Region "queue": what waits. */
        turns: QueuedTurn[];
        calls: Call[];
        speculation: Speculation;
      }
    `);
    assert.deepEqual(
      regions.map(({ name, path: at, each, stages }) => [name, at.join('.'), each, stages.length]),
      [
        ['outcome', 'history.*.outcome', 'item', 2],
        ['queue', 'turns.*', 'queued turn', 1],
        ['calls', 'calls.*', 'call', 2],
        ['speculation', 'speculation.run', null, 1],
      ],
    );
    assert.deepEqual(regions[1].stages, ['queued turn']);
  });

  it('are not what cannot be absent and has no stages, whatever it says', async () => {
    const source = `
      export interface EngineState {
        /** Region "rate": no. */
        rate: { samples: number };
      }
    `;
    await assert.rejects(regionsOf(source), /region "rate": rate has no stages/);
  });
});
