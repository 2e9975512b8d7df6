import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npx vite build apps/web`, from the repository's root. */
export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { tsconfigPaths: true },
  build: {
    outDir: '../../dist/apps/web',
    emptyOutDir: true,
    // The page is served with a strict Content-Security-Policy: everything is a file of the same origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
