const ITEM = 'parley.key';

/** The key typed into this tab. It ends with the tab; where the browser keeps nothing it is asked for again. */
export const keyStore = {
  read(): string | undefined {
    try {
      return sessionStorage.getItem(ITEM) ?? undefined;
    } catch {
      return undefined;
    }
  },
  write(key: string): void {
    try {
      sessionStorage.setItem(ITEM, key);
    } catch {
      // Storage is blocked: this page goes on with the key it has.
    }
  },
};
export type KeyStore = typeof keyStore;
