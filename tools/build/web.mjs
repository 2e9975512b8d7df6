// The web client by Vite.

import path from 'node:path';

/**
 * @param {{ root: string, outDir: string }} target
 * @param {string} root of the repository
 * @returns {Promise<{ inputs: string[], outputs: string[] }>} files, relative to the root
 */
export async function buildWeb(target, root) {
  // Only here: loading Vite takes longer than finding out that nothing is to be done.
  const { build } = await import('vite');
  const result = await build({
    root: path.join(root, target.root),
    build: { outDir: path.join(root, target.outDir), emptyOutDir: true },
    logLevel: 'warn',
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((bundle) =>
    'output' in bundle ? bundle.output : [],
  );
  const modules = outputs.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  return {
    inputs: [...new Set(modules.map((id) => path.relative(root, id.replace(/\?.*$/, ''))))].filter(isOurs),
    outputs: outputs.map(({ fileName }) => path.join(target.outDir, fileName)),
  };
}

/** @param {string} file */
const isOurs = (file) => /^(apps|libs)\//.test(file) && !file.includes('node_modules/');
