import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import { VERSION } from 'openai/version';
import type { DeclaredSchemas } from './declared-schema';
import { deviate, DEVIATIONS, type Deviation } from './deviations';

/** Judges one event of the Realtime API by the declarations of `openai` and the list of deviations. */
export class EventSchemas {
  private readonly ajv = new Ajv({ allErrors: true, inlineRefs: false });
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly events: DeclaredSchemas['events'];

  constructor({ definitions, events }: DeclaredSchemas, deviations: readonly Deviation[] = DEVIATIONS) {
    this.events = events;
    this.ajv.addSchema({ $id: 'realtime', definitions: deviations.reduce(deviate, definitions) });
  }

  /** The types of all server events. */
  get types(): string[] {
    return Object.keys(this.events);
  }

  /** So that no test waits for it in the midst of a conversation. */
  compile(): this {
    for (const definition of Object.values(this.events)) this.validatorOf(definition);
    return this;
  }

  /** What is wrong with it; an event of a type that the API does not have is wrong as a whole. */
  faults(event: unknown): string[] {
    const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined;
    const definition = typeof type === 'string' ? this.events[type] : undefined;
    if (definition === undefined) return [`${JSON.stringify(type)} is no server event`];
    const validate = this.validatorOf(definition);
    return validate(event) ? [] : [`${String(type)}: ${worded(validate.errors ?? [])}`];
  }

  private validatorOf(definition: string): ValidateFunction {
    const known = this.compiled.get(definition);
    if (known) return known;
    const compiled = this.ajv.compile({ $ref: `realtime#/definitions/${definition}` });
    this.compiled.set(definition, compiled);
    return compiled;
  }
}

/** Of a union each member says why it is none: the deepest complaints are those of the member that was meant. */
function worded(errors: readonly ErrorObject[]): string {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;
  const deepest = Math.max(...errors.map(depth));
  const words = errors
    .filter((error) => depth(error) === deepest)
    .map(({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`);
  return [...new Set(words)].join('; ');
}

const CACHE = resolve(__dirname, '../../../.cache/realtime-schemas');

/** Generated once for a version of `openai` and of the generator: every test file needs them. */
export async function loadEventSchemas(): Promise<EventSchemas> {
  const generator = readFileSync(join(__dirname, 'declared-schema.ts'));
  const file = join(CACHE, `${createHash('sha256').update(VERSION).update(generator).digest('hex')}.json`);
  if (!existsSync(file)) await generate(file);
  return new EventSchemas(JSON.parse(readFileSync(file, 'utf8')) as DeclaredSchemas).compile();
}

async function generate(file: string): Promise<void> {
  const { declaredSchemas } = await import('./declared-schema');
  const text = JSON.stringify(declaredSchemas());
  mkdirSync(CACHE, { recursive: true });
  // Whole or not at all: another worker may be looking.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, text);
  renameSync(own, file);
}
