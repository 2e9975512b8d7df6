export interface TabStore {
  read(): string | undefined;
  write(value: string): void;
  clear(): void;
}

/** One text that this tab keeps over reloads and forgets when it ends. Where the browser keeps nothing, it does not. */
export const tabStore = (item: string): TabStore => ({
  read: () => attempt(() => sessionStorage.getItem(item)) ?? undefined,
  write: (value) => attempt(() => sessionStorage.setItem(item, value)),
  clear: () => attempt(() => sessionStorage.removeItem(item)),
});

function attempt<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    // Storage is blocked: this page goes on with what it has.
    return undefined;
  }
}
