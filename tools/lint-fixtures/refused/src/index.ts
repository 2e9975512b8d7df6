// Wrong on purpose: a service that does what services must not do. `check.mjs` beside this folder expects lint to
// refuse each line that ends with a rule's name, and nothing else.

import { setTimeout as sleep } from 'node:timers/promises'; // no-restricted-imports
import { MemoryBusServer } from '@parley/adapter-bus-memory'; // @nx/enforce-module-boundaries
import { Injectable } from '@nestjs/common'; // @nx/enforce-module-boundaries
import { randomBytes } from 'node:crypto'; // no-restricted-imports

export const clockRead = Date.now(); // no-restricted-properties
export const dateRead = new Date(); // no-restricted-syntax
export const drawn = Math.random(); // no-restricted-properties
export const timer = setTimeout(() => undefined, 1); // no-restricted-globals
export const anything: any = 1; // @typescript-eslint/no-explicit-any
export const used = [MemoryBusServer, Injectable, randomBytes];

export function floats(): void {
  sleep(1); // @typescript-eslint/no-floating-promises
}

export function asserts(text: string | undefined): number {
  return text!.length; // @typescript-eslint/no-non-null-assertion
}

export function forgets(kind: 'a' | 'b'): void {
  // prettier-ignore
  switch (kind) { // @typescript-eslint/switch-exhaustiveness-check
    case 'a':
      break;
  }
}

export function speaks(): void {
  console.log('x'); // no-console
}
