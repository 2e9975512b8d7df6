// The phases and regions of the turn engine, read from its types. The convention stands at `EngineState`.

import path from 'node:path';
import ts from 'typescript';
import { ROOT } from '../support/root.mjs';

/**
 * @typedef {object} Region
 * @property {string} name
 * @property {string[]} path of its value in the state; `*` for each element of an array
 * @property {string | null} discriminant the field that says its stage; null: all there is to say is that it is there
 * @property {string[]} stages as they were declared
 * @property {string | null} each what there can be any number of
 * @property {{ region: string, stages: string[] } | null} inside the region, and its stages, of which it is a part
 */

/** In a docstring: makes a region of what has no stages, but is there or not (elements of an array, or null). */
const TAG = /^Region "([^"]+)"/;
/** A part that is only kept: whatever stages it has, nothing in it waits. */
const AT_REST = /^At rest\b/;

/**
 * @param {string} file that declares the state
 * @param {string} [stateType]
 * @returns {Region[]} as they were declared, what is inside another one behind it
 */
export function readRegions(file, stateType = 'EngineState') {
  const { config } = ts.readConfigFile(path.join(ROOT, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  const program = ts.createProgram([file], options);
  const declaration = program
    .getSourceFile(file)
    ?.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === stateType);
  if (!declaration) throw new Error(`${file} declares no ${stateType}`);
  return new Reader(program.getTypeChecker(), path.dirname(file)).read(declaration);
}

class Reader {
  /** @type {Region[]} */
  regions = [];

  /**
   * @param {ts.TypeChecker} checker
   * @param {string} folder of the engine's own types
   */
  constructor(checker, folder) {
    this.checker = checker;
    this.folder = folder;
  }

  /** @param {ts.Node} declaration */
  read(declaration) {
    this.collect(this.checker.getTypeAtLocation(declaration), [], { inside: null, each: null });
    return this.regions;
  }

  /**
   * @param {ts.Type} owner
   * @param {string[]} at
   * @param {Pick<Region, 'inside' | 'each'>} context
   */
  collect(owner, at, context) {
    for (const property of owner.getProperties()) {
      const declared = this.checker.getTypeOfSymbol(property);
      const present = this.checker.getNonNullableType(declared);
      const isArray = this.checker.isArrayType(present);
      const type = isArray ? this.checker.getTypeArguments(/** @type {ts.TypeReference} */ (present))[0] : present;
      if (!type || !this.isOurs(type)) continue;
      const here = [...at, property.name, ...(isArray ? ['*'] : [])];
      const tag = TAG.exec(ts.displayPartsToString(property.getDocumentationComment(this.checker)))?.[1];
      if (AT_REST.test(ts.displayPartsToString(property.getDocumentationComment(this.checker)))) continue;
      const discriminant = this.discriminantOf(type);
      if (tag !== undefined && discriminant === null && !isArray && present === declared) {
        throw new Error(
          `region "${tag}": ${here.join('.')} has no stages and is always there; tag what comes and goes`,
        );
      }
      const own = isArray ? { ...context, each: nounOf(type) } : context;
      if (discriminant !== null || tag !== undefined) {
        this.add(type, { name: tag ?? property.name, path: here, discriminant, ...own });
      } else for (const part of partsOf(type)) this.collect(part, here, own);
    }
  }

  /**
   * @param {ts.Type} type
   * @param {Omit<Region, 'stages'>} region
   */
  add(type, { inside, ...region }) {
    const { name, path: at, discriminant } = region;
    const known = this.regions.find((each) => each.path.join('.') === at.join('.'));
    if (known) {
      // The same part of another stage.
      known.inside?.stages.push(...(inside?.stages ?? []));
      return;
    }
    const stages = discriminant === null ? [nounOf(type)] : this.stagesOf(type, discriminant);
    const twin = this.regions.find((each) => each.name === name);
    // What lies in several places goes the same ways in each, and is drawn once.
    if (twin && twin.stages.join() === stages.join()) return;
    if (twin) throw new Error(`two regions are called "${name}"`);
    this.regions.push({ ...region, stages, inside: inside && { ...inside, stages: [...inside.stages] } });
    for (const member of partsOf(type)) {
      const its = discriminant === null ? stages : this.literalsOf(member, discriminant);
      this.collect(member, at, { inside: { region: name, stages: its }, each: region.each });
    }
  }

  /**
   * An object that the engine declares; not text, a number, or an object of another library.
   *
   * @param {ts.Type} type
   * @returns {boolean}
   */
  isOurs(type) {
    if (type.isUnionOrIntersection()) return type.types.every((part) => this.isOurs(part));
    const files = type.symbol?.declarations?.map((each) => each.getSourceFile().fileName) ?? [];
    return files.some((file) => path.dirname(file) === this.folder);
  }

  /** `stage`, or the `name` of a union. @param {ts.Type} type */
  discriminantOf(type) {
    const fields = type.isUnion() ? ['stage', 'name'] : ['stage'];
    return fields.find((field) => partsOf(type).every((part) => this.literalsOf(part, field).length > 0)) ?? null;
  }

  /** @param {ts.Type} type @param {string} discriminant */
  stagesOf(type, discriminant) {
    const at = (/** @type {ts.Type} */ part) =>
      this.checker.getPropertyOfType(part, discriminant)?.declarations?.[0]?.pos ?? 0;
    const members = [...partsOf(type)].sort((a, b) => at(a) - at(b));
    return [...new Set(members.flatMap((member) => this.literalsOf(member, discriminant)))];
  }

  /** The texts a field can be; none when it can be anything else. @param {ts.Type} type @param {string} field */
  literalsOf(type, field) {
    const property = this.checker.getPropertyOfType(type, field);
    if (!property) return [];
    const parts = partsOf(this.checker.getTypeOfSymbol(property));
    const text = property.declarations?.[0]?.getText() ?? '';
    const literals = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
    if (literals.length < parts.length) return [];
    // The compiler keeps literals in an order of its own.
    return literals.sort((a, b) => text.indexOf(`'${a}'`) - text.indexOf(`'${b}'`));
  }
}

/** @param {ts.Type} type */
const partsOf = (type) => (type.isUnion() ? type.types : [type]);

/** `QueuedTurn` → `queued turn`. @param {ts.Type} type */
const nounOf = (type) => (type.aliasSymbol ?? type.symbol).name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
