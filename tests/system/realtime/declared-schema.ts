import { dirname, join } from 'node:path';
import ts from 'typescript';

/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/** An interface: fields that it does not name are refused. */
export interface ObjectSchema extends Schema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
}

export interface DeclaredSchemas {
  /** Each interface by its name in the declarations, `RealtimeResponse.Audio`. */
  readonly definitions: Readonly<Record<string, ObjectSchema>>;
  /** Which of them a server event is, by the event's `type`. */
  readonly events: Readonly<Record<string, string>>;
}

const DECLARATIONS = join(dirname(require.resolve('openai')), 'resources/realtime/realtime.d.ts');

/** What the installed `openai` package declares of `RealtimeServerEvent`. Takes seconds: the compiler reads the package. */
export function declaredSchemas(): DeclaredSchemas {
  const program = ts.createProgram([DECLARATIONS], {
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
    lib: ['lib.es2022.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  const source = program.getSourceFile(DECLARATIONS);
  if (!source) throw new Error(`${DECLARATIONS} cannot be read`);
  return new Reader(program.getTypeChecker()).serverEvents(source);
}

/** Turns types into schemas. What it has not been made for it refuses, so that no field is let through unseen. */
class Reader {
  private readonly definitions: Record<string, ObjectSchema> = {};

  constructor(private readonly checker: ts.TypeChecker) {}

  serverEvents(source: ts.SourceFile): DeclaredSchemas {
    const module = this.checker.getSymbolAtLocation(source);
    const union = module && this.checker.getExportsOfModule(module).find(({ name }) => name === 'RealtimeServerEvent');
    const members = union && this.checker.getDeclaredTypeOfSymbol(union);
    if (!members?.isUnion()) throw new Error('RealtimeServerEvent is no union any more');
    const events = members.types.map((member) => [this.eventTypeOf(member), this.define(member)] as const);
    return { definitions: this.definitions, events: Object.fromEntries(events) };
  }

  private eventTypeOf(member: ts.Type): string {
    const field = member.getProperty('type');
    const type = field && this.checker.getTypeOfSymbol(field);
    if (!type?.isStringLiteral()) throw new Error(`${this.nameOf(member)} has no literal type`);
    return type.value;
  }

  /** The name under which an interface is defined. */
  private define(type: ts.Type): string {
    const name = this.nameOf(type);
    if (this.definitions[name] === undefined) {
      // Before its fields are read, which may lead back to it.
      this.definitions[name] = { type: 'object', properties: {}, required: [] };
      this.definitions[name] = this.fields(type);
    }
    return name;
  }

  private fields(type: ts.Type): ObjectSchema {
    const fields = this.checker.getPropertiesOfType(type);
    const isOptional = ({ flags }: ts.Symbol): boolean => (flags & ts.SymbolFlags.Optional) !== 0;
    const others = this.checker.getIndexInfoOfType(type, ts.IndexKind.String);
    return {
      type: 'object',
      properties: Object.fromEntries(fields.map((field) => [field.name, this.of(this.checker.getTypeOfSymbol(field))])),
      required: fields.filter((field) => !isOptional(field)).map(({ name }) => name),
      additionalProperties: others ? this.of(others.type) : false,
    };
  }

  private of(type: ts.Type): Schema {
    const has = (flag: ts.TypeFlags): boolean => (type.flags & flag) !== 0;
    if (has(ts.TypeFlags.Unknown)) return {};
    if (has(ts.TypeFlags.Null)) return { type: 'null' };
    if (has(ts.TypeFlags.Boolean)) return { type: 'boolean' };
    if (has(ts.TypeFlags.BooleanLiteral)) return { const: this.checker.typeToString(type) === 'true' };
    if (has(ts.TypeFlags.String)) return { type: 'string' };
    if (has(ts.TypeFlags.Number)) return { type: 'number' };
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.isUnion()) return { anyOf: type.types.filter(isPresent).map((member) => this.of(member)) };
    // `string & {}`: any string, written so that editors go on proposing the names beside it.
    if (type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.String)) return { type: 'string' };
    if (this.checker.isArrayType(type)) return { type: 'array', items: this.itemsOf(type) };
    if (type.isClassOrInterface()) return { $ref: `#/definitions/${this.define(type)}` };
    if (has(ts.TypeFlags.Object)) return this.fields(type);
    throw new Error(`no schema for ${this.checker.typeToString(type)}`);
  }

  private itemsOf(type: ts.Type): Schema {
    const [items] = this.checker.getTypeArguments(type as ts.TypeReference);
    if (!items) throw new Error('an array of nothing');
    return this.of(items);
  }

  /** Without the file: `"…/realtime".RealtimeResponse.Audio` is `RealtimeResponse.Audio`. */
  private nameOf(type: ts.Type): string {
    return this.checker.getFullyQualifiedName(type.symbol).replace(/^".*"\./, '');
  }
}

/** What an optional field may be beside nothing at all. */
const isPresent = ({ flags }: ts.Type): boolean => (flags & ts.TypeFlags.Undefined) === 0;
