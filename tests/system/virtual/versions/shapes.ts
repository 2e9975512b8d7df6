/** What is told of one place in a document: the fields that are always there, and the JSON types each of them had. */
export interface Shape {
  fields: Record<string, string[]>;
  required: string[];
}

/** By place: the way to it, with `[]` for any element of a list and the variant where an object is one of several. */
export type Shapes = Record<string, Shape>;

/** Fields that name the variant. */
const TAGS = ['kind', 'stage', 'name', 'role'];

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const variantOf = (fields: Fields): string =>
  TAGS.flatMap((tag) => (typeof fields[tag] === 'string' ? [`${tag}=${fields[tag]}`] : [])).join(',');

/** The shapes of everything in the documents. */
export function shapesOf(documents: readonly unknown[]): Shapes {
  const shapes: Shapes = {};
  for (const document of documents) look(document, '', shapes);
  return shapes;
}

function look(value: unknown, place: string, shapes: Shapes): void {
  if (Array.isArray(value)) for (const each of value) look(each, `${place}[]`, shapes);
  if (!isFields(value)) return;
  const variant = variantOf(value);
  const here = variant === '' ? place : `${place}{${variant}}`;
  const shape = (shapes[here] ??= { fields: {}, required: Object.keys(value) });
  shape.required = shape.required.filter((field) => field in value);
  for (const [field, content] of Object.entries(value)) {
    const types = (shape.fields[field] ??= []);
    if (!types.includes(typeOf(content))) types.push(typeOf(content));
    look(content, `${here}.${field}`, shapes);
  }
}

/**
 * What a reader of `before` cannot be sure to understand of documents of the shapes `after`. It leaves out fields that it does not
 * know, may need each that was always there, and knows no other variant and no other type than it wrote itself.
 */
export function misfits(before: Shapes, after: Shapes): string[] {
  return Object.entries(after).flatMap(([place, shape]) => {
    const known = before[place];
    if (!known) return isKnownPlace(before, place) ? [`${place}: this variant was never written`] : [];
    return [
      ...known.required
        .filter((field) => !shape.required.includes(field))
        .map((field) => `${place}.${field}: was always there`),
      ...Object.entries(known.fields).flatMap(([field, types]) =>
        (shape.fields[field] ?? [])
          .filter((type) => !types.includes(type))
          .map((type) => `${place}.${field}: ${type}, and was ${types.join(' or ')}`),
      ),
    ];
  });
}

/** Places below a new field, and below a new variant, are not read, or were told already. */
function isKnownPlace(before: Shapes, place: string): boolean {
  if (!place.endsWith('}')) return false;
  const stem = place.slice(0, place.lastIndexOf('{'));
  return Object.keys(before).some((known) => known === stem || known.startsWith(`${stem}{`));
}
