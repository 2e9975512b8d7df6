import type { RandomPort } from '@parley/ports';

export interface Route {
  readonly pattern: string;
  readonly queue: string | undefined;
}

/**
 * Who gets a message. Patterns without a wildcard are found by one look-up; those with one are few (they are per
 * process, not per session) and compared one by one.
 */
export class SubjectRouter<T extends Route> {
  private readonly exact = new Map<string, Set<T>>();
  private readonly wildcards = new Map<T, readonly string[]>();

  constructor(private readonly random: RandomPort) {}

  add(route: T): void {
    if (isWildcard(route.pattern)) {
      this.wildcards.set(route, route.pattern.split('.'));
      return;
    }
    const routes = this.exact.get(route.pattern);
    if (routes === undefined) this.exact.set(route.pattern, new Set([route]));
    else routes.add(route);
  }

  remove(route: T): void {
    this.wildcards.delete(route);
    const routes = this.exact.get(route.pattern);
    if (routes?.delete(route) === true && routes.size === 0) this.exact.delete(route.pattern);
  }

  /** Every plain subscription, and of each queue group one member at random, whatever pattern it joined by. */
  receivers(subject: string): T[] {
    const receivers: T[] = [];
    let groups: Map<string, T[]> | undefined;
    const consider = (route: T): void => {
      if (route.queue === undefined) {
        receivers.push(route);
        return;
      }
      groups ??= new Map();
      const members = groups.get(route.queue);
      if (members === undefined) groups.set(route.queue, [route]);
      else members.push(route);
    };
    for (const route of this.exact.get(subject) ?? []) consider(route);
    if (this.wildcards.size > 0) {
      const tokens = subject.split('.');
      for (const [route, pattern] of this.wildcards) if (matches(pattern, tokens)) consider(route);
    }
    for (const members of groups?.values() ?? []) {
      const chosen = members[Math.floor(this.random.fraction() * members.length)];
      if (chosen !== undefined) receivers.push(chosen);
    }
    return receivers;
  }
}

const isWildcard = (pattern: string): boolean => pattern.includes('*') || pattern.includes('>');

function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (const [index, expected] of pattern.entries()) {
    // `>` stands for one token or more: `a.>` does not match `a`.
    if (expected === '>') return tokens.length > index;
    if (index >= tokens.length || (expected !== '*' && expected !== tokens[index])) return false;
  }
  return pattern.length === tokens.length;
}
