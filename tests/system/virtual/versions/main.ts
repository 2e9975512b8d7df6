import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { record } from './recording';

/** Writes what the present code writes to the folder that is the first argument, one document a line. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which folder?');
const { states, messages } = await record();
for (const [name, documents] of Object.entries({ states, messages })) {
  writeFileSync(join(folder, `${name}.jsonl`), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
}
