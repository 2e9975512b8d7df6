// Who may import whom (docs/architecture.md). The tags stand in each project.json.

/** Besides what a source may import, its tests may: doubles, and the memory adapters as the ground they stand on. */
const TEST_TARGETS = ['layer:testing', 'layer:adapter', 'layer:schemas'];

/** @type {Record<string, { may: string[], packages?: string[], notPackages?: string[] }>} */
const RULES = {
  'layer:model': { may: [], packages: [] },
  'layer:schemas': { may: ['layer:model'], packages: ['zod'] },
  'layer:lib': { may: ['layer:model'], packages: [] },
  'layer:engine': { may: ['layer:model', 'layer:lib'], packages: [] },
  'layer:ports': { may: ['layer:model'], packages: [] },
  'layer:client': { may: ['layer:model', 'layer:lib'], notPackages: ['zod', '@nestjs/*'] },
  'layer:service': {
    may: ['layer:model', 'layer:schemas', 'layer:lib', 'layer:engine', 'layer:ports', 'scope:link'],
    packages: ['zod'],
  },
  'layer:replay': { may: ['layer:model', 'layer:schemas', 'layer:engine', 'layer:ports'], packages: [] },
  'layer:adapter': { may: ['layer:model', 'layer:schemas', 'layer:lib', 'layer:ports'], notPackages: ['@nestjs/*'] },
  'scope:runtime': { may: ['layer:model', 'layer:ports'], notPackages: ['@nestjs/*'] },
  'scope:nest': { may: ['layer:model', 'layer:ports', 'scope:runtime'] },
  'scope:composition': {
    may: ['layer:model', 'layer:ports', 'layer:service', 'layer:adapter', 'scope:runtime'],
    packages: [],
  },
  'scope:service-app': {
    may: ['layer:model', 'layer:ports', 'scope:composition', 'scope:nest', 'scope:runtime'],
    packages: ['@nestjs/*', 'reflect-metadata'],
  },
  'scope:client-app': {
    may: ['layer:model', 'layer:lib', 'layer:client', 'scope:system'],
    notPackages: ['@nestjs/*', 'zod'],
  },
  // A client too, and what operators look into the journal with.
  'scope:cli': {
    may: [
      ...['layer:model', 'layer:lib', 'layer:client', 'layer:ports', 'layer:replay'],
      ...['scope:system', 'scope:bus-nats'],
    ],
    notPackages: ['@nestjs/*', 'zod'],
  },
  'scope:harness': { may: ['layer:model', 'layer:ports'], notPackages: ['@nestjs/*'] },
  'scope:fakes': { may: [], packages: ['ws'] },
  'layer:system-tests': { may: ['*'] },
  'layer:tool': { may: [] },
};

/**
 * @param {boolean} forTests
 * @returns the options of @nx/enforce-module-boundaries
 */
function boundaries(forTests) {
  return {
    // An optional package is none of package.json's dependencies for this rule; the version is read from package.json.
    allow: ['@echogarden/espeak-ng-emscripten', '../../../package.json'],
    enforceBuildableLibDependency: false,
    banTransitiveDependencies: true,
    depConstraints: Object.entries(RULES).map(([sourceTag, { may, packages, notPackages }]) => ({
      sourceTag,
      onlyDependOnLibsWithTags: forTests ? [...may, ...TEST_TARGETS] : may,
      ...(packages && !forTests ? { allowedExternalImports: packages } : {}),
      ...(notPackages && !forTests ? { bannedExternalImports: notPackages } : {}),
    })),
  };
}

export const BOUNDARIES = { sources: boundaries(false), tests: boundaries(true) };
