/** What the tools, plain JavaScript on Node, use without importing it. */
export const NODE_GLOBALS = Object.fromEntries(
  [
    ...['AbortController', 'AbortSignal', 'Buffer', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'],
    ...['clearInterval', 'clearTimeout', 'console', 'fetch', 'performance', 'process', 'queueMicrotask'],
    ...['setImmediate', 'setInterval', 'setTimeout', 'structuredClone'],
    ...['module', 'require', '__dirname', '__filename'],
  ].map((name) => [name, 'readonly']),
);
