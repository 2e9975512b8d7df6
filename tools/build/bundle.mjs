// Bundles by esbuild. TypeScript goes through swc first: esbuild drops decorator metadata, and Nest would then
// inject `undefined` without a word.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transform } from '@swc/core';
import { build } from 'esbuild';

/** Loaded by Nest, ws and the voice only if they are installed. */
const EXTERNAL = [
  '@nestjs/microservices',
  '@nestjs/platform-socket.io',
  '@fastify/*',
  'class-transformer',
  'class-validator',
  'bufferutil',
  'utf-8-validate',
  '@echogarden/espeak-ng-emscripten',
];

/** CommonJS packages inside an ESM bundle call `require` for Node's own modules. */
const REQUIRE_BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** @type {import('@swc/core').Options} */
const SWC_OPTIONS = {
  configFile: false,
  swcrc: false,
  sourceMaps: 'inline',
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
};

/** @type {import('esbuild').Plugin} */
const swcPlugin = {
  name: 'swc',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      const { code } = await transform(await readFile(file, 'utf8'), { ...SWC_OPTIONS, filename: file });
      return { contents: code, loader: 'js' };
    });
  },
};

/**
 * Bundles of one format, together: what they share is read and parsed once.
 *
 * @param {import('./targets.mjs').Bundle[]} bundles
 * @param {string} root of the repository
 * @returns {Promise<Map<string, { inputs: string[], outputs: string[] }>>} files by outfile, relative to the root
 */
export async function bundleAll(bundles, root) {
  const [{ format }] = bundles;
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: bundles.map(({ entry, outfile }) => ({ in: entry, out: withoutExtension(outfile) })),
    outdir: '.',
    outExtension: { '.js': path.extname(bundles[0].outfile) },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format,
    tsconfig: path.join(root, 'tsconfig.base.json'),
    external: EXTERNAL,
    banner: format === 'esm' ? { js: REQUIRE_BANNER } : {},
    plugins: [swcPlugin],
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  await Promise.all(outputFiles.map((file) => writeOutput(file.path, file.text)));
  return new Map(
    bundles.map(({ entry, outfile }) => [
      outfile,
      { inputs: inputsOf(entry, metafile), outputs: [outfile, `${outfile}.map`] },
    ]),
  );
}

/** @param {string} file */
const withoutExtension = (file) => file.slice(0, -path.extname(file).length);

/**
 * All of ours that the entry leads to, also what ended up unused: a change may put it to use.
 *
 * @param {string} entry
 * @param {import('esbuild').Metafile} metafile
 * @returns {string[]}
 */
function inputsOf(entry, metafile) {
  const found = new Set([entry]);
  for (const file of found) {
    for (const { path: imported, external } of metafile.inputs[file]?.imports ?? []) {
      if (!external && !imported.startsWith('node_modules/')) found.add(imported);
    }
  }
  return [...found];
}

/**
 * Plain ASCII: with a single character beyond Latin-1 V8 keeps the whole source in two bytes per character, 4 MB more
 * for each process. (esbuild escapes all but regular expressions and comments.)
 *
 * @param {string} file
 * @param {string} text
 */
async function writeOutput(file, text) {
  const ascii = text.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  await mkdir(path.dirname(file), { recursive: true });
  // Replaced in one step: a process that starts meanwhile gets the old or the new one, whole.
  await writeFile(`${file}.new`, file.endsWith('.map') ? text : ascii);
  await rename(`${file}.new`, file);
}
