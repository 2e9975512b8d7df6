// The part of the Kubernetes API that k8s/base uses. An unknown field or a value of the wrong type is refused here as a
// cluster would refuse it: `kubectl kustomize` itself looks at neither.

import { z } from 'zod';

const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
  .max(63);
const portName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
  .max(15);
const port = z.int().min(1).max(65_535);
const strings = z.record(z.string(), z.string());
const quantity = z.string().regex(/^\d+(m|Ki|Mi|Gi)?$/);
const seconds = z.int().positive();

const metadata = z.strictObject({
  name,
  labels: strings.optional(),
  annotations: strings.optional(),
});

const handler = {
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.union([portName, port]) }).optional(),
  exec: z.strictObject({ command: z.array(z.string()).min(1) }).optional(),
};
const probe = z
  .strictObject({ ...handler, periodSeconds: seconds, timeoutSeconds: seconds, failureThreshold: seconds })
  .refine(({ httpGet, exec }) => (httpGet === undefined) !== (exec === undefined), 'needs httpGet or exec, not both');

const variable = z
  .strictObject({
    name: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    value: z.string().optional(),
    valueFrom: z
      .strictObject({ secretKeyRef: z.strictObject({ name, key: z.string(), optional: z.boolean().optional() }) })
      .optional(),
  })
  .refine(({ value, valueFrom }) => (value === undefined) !== (valueFrom === undefined), 'needs value or valueFrom');

const container = z.strictObject({
  name,
  image: z.string(),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  args: z.array(z.string()),
  ports: z.array(z.strictObject({ name: portName, containerPort: port })),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name }) })).optional(),
  env: z.array(variable).optional(),
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    limits: z.strictObject({ memory: quantity, cpu: quantity.optional() }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name, mountPath: z.string().startsWith('/') })).optional(),
});

const podSpecFields = z.strictObject({
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.int().min(30),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    runAsGroup: z.int().positive(),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([container]),
  // What a pod keeps goes with it.
  volumes: z.array(z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) })).optional(),
});
const podSpec = podSpecFields.refine(({ containers: [{ volumeMounts = [] }], volumes = [] }) => {
  const names = volumes.map((volume) => volume.name);
  return volumeMounts.every((mount) => names.includes(mount.name));
}, 'mounts a volume that is not there');

const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    strategy: z.strictObject({ type: z.enum(['Recreate', 'RollingUpdate']) }).optional(),
    selector: z.strictObject({ matchLabels: strings }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: strings, annotations: strings.optional() }),
      spec: podSpec,
    }),
  }),
});

const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    clusterIP: z.literal('None').optional(),
    selector: strings,
    ports: z.array(z.strictObject({ name: portName, port, targetPort: z.union([portName, port]) })).min(1),
  }),
});

const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: strings,
});

/** No Secret: what is in a repository is none. */
export const kubernetesObject = z.discriminatedUnion('kind', [deployment, service, configMap]);

/**
 * @typedef {z.infer<typeof deployment>} Deployment
 * @typedef {z.infer<typeof service>} Service
 * @typedef {z.infer<typeof configMap>} ConfigMap
 * @typedef {z.infer<typeof kubernetesObject>} KubernetesObject
 * @typedef {z.infer<typeof container>} Container
 */
