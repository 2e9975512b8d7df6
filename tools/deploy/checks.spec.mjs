// Each check must refuse what it is there for. That the real files pass is shown by deploy.integration.ts.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { ROOT } from '../support/root.mjs';
import {
  REQUIRED_SETTINGS,
  checkPrivacy,
  checkScrapeTargets,
  checkServices,
  checkSettings,
  durationMs,
} from './compose.mjs';
import { checkDashboard, seriesIn } from './dashboard.mjs';
import { loadFacts } from './facts.mjs';
import { checkDockerfile, parseDockerfile } from './image.mjs';
import { checkObjects } from './kubernetes.mjs';

/** @type {import('./facts.mjs').Facts} */
let facts;
before(async () => {
  facts = await loadFacts();
});

/** A compose file that is right, as docker-compose prints it. */
function goodCompose() {
  const common = { image: `parley:${facts.version}`, restart: 'unless-stopped', read_only: true, cap_drop: ['ALL'] };
  const worker = { ...common, stop_grace_period: '30s', healthcheck: { test: ['CMD', 'true'] } };
  const env = { PARLEY_HOST: '0.0.0.0', NATS_URL: 'nats://nats:4222' };
  return {
    services: {
      gateway: {
        ...worker,
        command: ['dist/apps/gateway/main.cjs'],
        environment: { ...env, PARLEY_PORT: '8080', PARLEY_API_KEYS: REQUIRED_SETTINGS.PARLEY_API_KEYS },
        ports: ['127.0.0.1:8080:8080/tcp'],
      },
      orchestrator: {
        ...worker,
        command: ['dist/apps/turn-orchestrator/main.cjs'],
        environment: {
          ...env,
          PARLEY_METRICS_PORT: '9464',
          REDIS_URL: 'redis://redis:6379',
          OPENAI_API_KEY: 'key-of-the-model',
          OPENAI_BASE_URL: 'http://model.invalid/v1',
        },
      },
      tts: {
        ...worker,
        command: ['dist/apps/tts-worker/main.cjs'],
        environment: {
          ...env,
          PARLEY_METRICS_PORT: '9464',
          OPENAI_API_KEY: 'key-of-the-voice',
          PARLEY_TTS_BASE_URL: 'http://voice.invalid/v1',
        },
      },
      avatar: {
        ...worker,
        command: ['dist/apps/avatar-bridge/main.cjs'],
        environment: { ...env, PARLEY_METRICS_PORT: '9464' },
      },
      grafana: {
        ...worker,
        image: 'grafana/grafana:1.0',
        environment: { PASSWORD: REQUIRED_SETTINGS.GRAFANA_PASSWORD },
      },
    },
  };
}

test('a good compose file has no problems', () => {
  assert.deepEqual(checkServices(goodCompose(), facts), []);
  assert.deepEqual(checkPrivacy(goodCompose()), []);
});

/** @type {[string, (services: any) => void, RegExp][]} */
const WRONG_COMPOSE = [
  ['a role is missing', (s) => delete s.avatar, /no service runs the avatar/],
  ['a service runs something else', (s) => (s.tts.command = ['dist/apps/cli/main.mjs']), /tts: runs .*no service/],
  ['an image has no version', (s) => (s.grafana.image = 'grafana/grafana:latest'), /grafana: .*no version/],
  ['the image is of another version', (s) => (s.tts.image = 'parley:0.0.9'), /tts: runs parley:0\.0\.9/],
  ['a variable is misspelt', (s) => (s.tts.environment.PARLEY_TTSVOICE = 'x'), /tts: sets PARLEY_TTSVOICE/],
  ['a variable is for another role', (s) => (s.gateway.environment.REDIS_URL = 'redis://r'), /gateway: sets REDIS_URL/],
  ['a required variable is missing', (s) => delete s.orchestrator.environment.REDIS_URL, /REDIS_URL must be set/],
  ['a value is wrong', (s) => (s.avatar.environment.PARLEY_METRICS_PORT = 'x'), /PARLEY_METRICS_PORT must be a port/],
  ['the gateway is open without keys', (s) => delete s.gateway.environment.PARLEY_API_KEYS, /PARLEY_API_KEYS must be/],
  ['it is killed while it stops', (s) => delete s.tts.stop_grace_period, /tts: is killed while it stops/],
  ['a worker is published', (s) => (s.tts.ports = ['127.0.0.1:9:9/tcp']), /tts: publishes/],
  ['the gateway is published to all', (s) => (s.gateway.ports = ['8080:8080/tcp']), /gateway: .*beyond this machine/],
  ['a health check is missing', (s) => delete s.tts.healthcheck, /tts: has no health check/],
  ['a mounted file is missing', (s) => (s.grafana.volumes = ['/none/x:/x:ro']), /grafana: mounts \/none\/x/],
  ['the root can be written', (s) => delete s.tts.read_only, /tts: .*can be written/],
];
for (const [what, spoil, problem] of WRONG_COMPOSE) {
  test(`compose is refused when ${what}`, () => {
    const compose = goodCompose();
    spoil(compose.services);
    assert.match(checkServices(compose, facts).join('\n'), problem);
  });
}

test('a key that reaches another service is found', () => {
  const compose = goodCompose();
  compose.services.tts.environment.OPENAI_API_KEY = 'key-of-the-model';
  const problems = checkPrivacy(compose).join('\n');
  assert.match(problems, /LLM_API_KEY is for orchestrator, but goes to: orchestrator, tts/);
  assert.match(problems, /TTS_API_KEY is for tts, but goes to: nobody/);
});

test('.env.example must name what is used, nothing else, and hold no key', () => {
  const problems = checkSettings('a: ${ONE:-} b: ${TTS_API_KEY:-}', { TWO: '', TTS_API_KEY: 'sk-1' });
  assert.equal(
    problems.filter((problem) => /does not offer ONE|offers TWO|leave TTS_API_KEY empty/.test(problem)).length,
    3,
  );
});

test('Prometheus must scrape every service where it listens', () => {
  const lookups = (/** @type {[string, number][]} */ targets) => ({
    scrape_configs: targets.map(([name, port]) => ({ dns_sd_configs: [{ names: [name], port }] })),
  });
  /** @type {[string, number][]} */
  const all = [
    ['gateway', 8080],
    ['orchestrator', 9464],
    ['tts', 9464],
    ['avatar', 9464],
  ];
  assert.deepEqual(checkScrapeTargets(goodCompose(), lookups(all), facts), []);
  const problems = checkScrapeTargets(goodCompose(), lookups([...all.slice(1), ['gateway', 9464]]), facts);
  assert.deepEqual(problems.length, 2);
});

test('durations are read as docker-compose prints them', () => {
  assert.deepEqual(['30s', '1m30s', '500ms', '1h'].map(durationMs), [30_000, 90_000, 500, 3_600_000]);
});

const PROBE = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };

/** Objects that are right. */
function goodObjects() {
  const apps = { gateway: 'gateway', orchestrator: 'turn-orchestrator', tts: 'tts-worker', avatar: 'avatar-bridge' };
  const own = (/** @type {string} */ role) => {
    if (role === 'gateway') {
      const keys = { name: 'PARLEY_API_KEYS', valueFrom: { secretKeyRef: { name: 'keys', key: 'api-keys' } } };
      return [{ name: 'PARLEY_PORT', value: '8080' }, keys];
    }
    const redis = role === 'orchestrator' ? [{ name: 'REDIS_URL', value: 'redis://r:6379' }] : [];
    return [{ name: 'PARLEY_METRICS_PORT', value: '8080' }, ...redis];
  };
  const labels = (/** @type {string} */ role) => ({ component: role });
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'common' },
      data: { NATS_URL: 'nats://parley-tts:80', PARLEY_HOST: '0.0.0.0' },
    },
    ...Object.entries(apps).flatMap(([role, app]) => [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: `parley-${role}` },
        spec: {
          selector: { matchLabels: labels(role) },
          template: {
            metadata: {
              labels: labels(role),
              annotations: {
                'prometheus.io/scrape': 'true',
                'prometheus.io/port': '8080',
                'prometheus.io/path': '/metrics',
              },
            },
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              terminationGracePeriodSeconds: 30,
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 1000,
                runAsGroup: 1000,
                seccompProfile: { type: 'RuntimeDefault' },
              },
              containers: [
                {
                  name: role,
                  image: `parley:${facts.version}`,
                  args: [`dist/apps/${app}/main.cjs`],
                  ports: [{ name: 'http', containerPort: 8080 }],
                  envFrom: [{ configMapRef: { name: 'common' } }],
                  env: own(role),
                  livenessProbe: { httpGet: { path: '/healthz/live', port: 'http' }, ...PROBE },
                  readinessProbe: { httpGet: { path: '/healthz/ready', port: 'http' }, ...PROBE },
                  resources: { requests: { cpu: '1', memory: '1Mi' }, limits: { memory: '1Mi' } },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                },
              ],
            },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `parley-${role}` },
        spec: { selector: labels(role), ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
      },
    ]),
  ];
}

test('good Kubernetes objects have no problems', () => {
  assert.deepEqual(checkObjects(goodObjects(), facts).problems, []);
});

/** @type {[string, (parts: { map: any, gateway: any, pod: any, container: any, service: any, all: any[] }) => void, RegExp][]} */
const WRONG_OBJECTS = [
  ['a field is unknown', ({ pod }) => (pod.restartsPolicy = 'Always'), /Unrecognized key.*restartsPolicy/],
  ['a value has the wrong type', ({ container }) => (container.env[0].value = 8080), /expected string/],
  ['a Secret is part of it', ({ all }) => all.push({ kind: 'Secret', metadata: { name: 's' } }), /Secret s: /],
  ['a role is missing', ({ all }) => all.splice(1, 2), /no Deployment runs the gateway/],
  ['a selector misses', ({ gateway }) => (gateway.spec.selector.matchLabels = { x: 'y' }), /selector does not match/],
  ['a probe asks nobody', ({ container }) => (container.livenessProbe.httpGet.port = 'web'), /asks the port web/],
  ['a probe is another', ({ container }) => (container.readinessProbe.httpGet.path = '/'), /not \/healthz\/ready/],
  ['a key is written down', ({ map }) => (map.data.OPENAI_API_KEY = 'sk'), /OPENAI_API_KEY is written down/],
  ['a URL has a password', ({ map }) => (map.data.NATS_URL = 'nats://u:p@parley-tts:80'), /NATS_URL holds a password/],
  ['an address leads nowhere', ({ map }) => (map.data.NATS_URL = 'nats://bus:4222'), /NATS_URL leads to no Service/],
  ['a variable is misspelt', ({ map }) => (map.data.PARLEY_HOTS = 'x'), /sets PARLEY_HOTS/],
  ['settings come from nowhere', ({ container }) => (container.envFrom[0].configMapRef.name = 'x'), /is not there/],
  [
    'a Service leads nowhere',
    ({ service }) => (service.spec.ports[0].targetPort = 'web'),
    /the port web, which nobody/,
  ],
  ['a Service selects nobody', ({ service }) => (service.spec.selector = { x: 'y' }), /selects 0 Deployments/],
  ['it runs as root', ({ pod }) => (pod.securityContext.runAsUser = 0), /runAsUser/],
  ['the token is mounted', ({ pod }) => delete pod.automountServiceAccountToken, /automountServiceAccountToken/],
  ['a port differs', ({ container }) => (container.env[0].value = '80'), /listens on 80/],
  [
    'it mounts what is not there',
    ({ container }) => (container.volumeMounts = [{ name: 'x', mountPath: '/x' }]),
    /mounts a volume that is not there/,
  ],
  ['the grace is short', ({ pod }) => (pod.terminationGracePeriodSeconds = 10), /terminationGracePeriodSeconds/],
];
for (const [what, spoil, problem] of WRONG_OBJECTS) {
  test(`Kubernetes objects are refused when ${what}`, () => {
    /** @type {any[]} */
    const all = goodObjects();
    const [map, gateway, service] = all;
    const pod = gateway.spec.template.spec;
    spoil({ map, gateway, pod, container: pod.containers[0], service, all });
    assert.match(checkObjects(all, facts).problems.join('\n'), problem);
  });
}

test('a Secret that two Deployments read is found', () => {
  /** @type {any[]} */
  const all = goodObjects();
  const secret = { secretKeyRef: { name: 'keys', key: 'llm' } };
  all[3].spec.template.spec.containers[0].env.push({ name: 'OPENAI_API_KEY', valueFrom: secret });
  assert.match(checkObjects(all, facts).problems.join('\n'), /the Secret keys goes to/);
});

const DOCKERFILE = `FROM node:24-bookworm-slim AS build
FROM node:24-bookworm-slim
LABEL org.opencontainers.image.licenses="x"
COPY --from=build /src/a ./a
USER 1000:1000
`;

test('a good Dockerfile has no problems', () => {
  assert.deepEqual(checkDockerfile(parseDockerfile(DOCKERFILE)), []);
});

for (const [from, to, problem] of /** @type {[string, string, RegExp][]} */ ([
  ['USER 1000:1000', 'USER node', /USER node is not a number/],
  ['USER 1000:1000', '', /not a number/],
  ['LABEL', 'ENV', /no licence/],
  ['USER', 'ENV API_KEY=x\nUSER', /holds a secret/],
  ['node:24-bookworm-slim\n', 'node:20\n', /is not Node 24/],
  ['--from=build /src/a', 'a', /not built/],
])) {
  test(`a Dockerfile is refused with ${to || 'nothing'} in place of ${from}`, () => {
    assert.match(checkDockerfile(parseDockerfile(DOCKERFILE.replace(from, to))).join('\n'), problem);
  });
}

test('the series in a query are told from functions, labels and durations', () => {
  assert.deepEqual(
    seriesIn('histogram_quantile(0.95, sum by (le, role) (rate(a_bucket{x="b_c"}[$__rate_interval])))'),
    ['a_bucket'],
  );
  assert.deepEqual(seriesIn('sum(rate(a_total[5m])) / on (job) group_left (x) b unless c > bool 1e3'), [
    'a_total',
    'b',
    'c',
  ]);
});

test('a dashboard with an unknown metric, without a required one, or with panels that overlap is refused', async () => {
  const text = await readFile(path.join(ROOT, 'deploy/grafana/dashboards/parley.json'), 'utf8');
  const problemsOf = (/** @type {(text: string) => string} */ change) =>
    checkDashboard(JSON.parse(change(text)), facts).join('\n');
  assert.equal(
    problemsOf((all) => all),
    '',
  );
  const misspelt = problemsOf((all) => all.replaceAll('parley_takeovers_total', 'parley_takeover_total'));
  assert.match(misspelt, /nobody has the metric parley_takeover_total/);
  assert.match(misspelt, /no panel shows parley_takeovers_total/);
  assert.match(
    problemsOf((all) => all.replace(/"x": 8,/, '"x": 4,')),
    /lies over/,
  );
  assert.match(
    problemsOf((all) => all.replace(/"id": 3,/, '"id": 2,')),
    /two panels have one id/,
  );
});
