// What each replica may know: its own variables, and what any program needs.

/** Not of Parley: where programs, temporary files and certificates are, and how Node itself is to run. */
const GENERAL =
  /^(PATH|HOME|TMPDIR|TZ|LANG|LC_\w+|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|https?_proxy|no_proxy)$/i;

/**
 * @param {import('./arguments.mjs').Role} role
 * @param {Record<string, string | undefined>} environment
 * @param {readonly { name: string, roles: string[] }[]} variableTable
 * @returns {Record<string, string>}
 */
export function environmentFor(role, environment, variableTable) {
  const own = new Set(variableTable.filter(({ roles }) => roles.includes(role)).map(({ name }) => name));
  /** @type {Record<string, string>} */
  const result = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (own.has(name) || GENERAL.test(name))) result[name] = value;
  }
  return result;
}
