import packageJson from '../package.json'
import type { Catalog } from './catalog.ts'
import { type Permission, writeLogs, writeTraces } from './permissions.ts'
import { type FunctionName, type FunctionPlan, functionPlans, retention } from './plan.ts'
import { accountId, isProduction, named, sweeperRole } from './stage.ts'
import type { Storage } from './storage.ts'

export interface LakeResources {
  readonly storage: Storage
  readonly catalog: Catalog
  readonly bus: sst.aws.Bus
  /** Of queues and state machines that a function uses, as `awsLake` reads them. */
  readonly names?: Readonly<Record<string, $util.Input<string>>>
}

/** One of `functions/*`, with its own role, log group and exactly the given permissions. */
export function lakeFunction(
  name: FunctionName,
  resources: LakeResources,
  permissions: readonly Permission[],
): sst.aws.Function {
  const plan: FunctionPlan = functionPlans[name]
  const logs = new aws.cloudwatch.LogGroup(`${pascal(name)}Logs`, {
    name: `/aws/lambda/${named(name)}`,
    retentionInDays: isProduction() ? retention.logDays.production : retention.logDays.test,
  })
  return new sst.aws.Function(pascal(name), {
    name: named(name),
    handler: HANDLERS[name] ?? `functions/${name}/handler.handler`,
    runtime: 'nodejs24.x',
    // @duckdb/node-bindings of this version is built for linux-x64 on npm, not for linux-arm64.
    architecture: 'x86_64',
    memory: `${plan.memoryMb} MB`,
    timeout: `${plan.timeoutMinutes} minutes`,
    storage: `${plan.storageMb} MB`,
    // A native package cannot be bundled: SST installs it for the function's platform beside the bundle.
    nodejs: { install: { '@duckdb/node-api': packageJson.dependencies['@duckdb/node-api'] } },
    environment: environment(resources),
    logging: { logGroup: logs.name, format: 'json' },
    permissions: [...permissions, writeLogs(logs), writeTraces],
    transform: {
      role: args => {
        hardenRole(args)
        if (name === 'sweep') args.name = sweeperRole().name
      },
      function: args => {
        args.tracingConfig = { mode: 'Active' }
      },
    },
  })
}

/** Further functions of a folder: a handler of their own, or the same one with other rights. */
const HANDLERS: Partial<Record<FunctionName, string>> = {
  firehose: 'functions/ingest/firehose-handler.handler',
  records: 'functions/ingest/handler.handler',
}

/** The names that `awsLake(process.env)` reads. */
export function environment({ storage, catalog, bus, names = {} }: LakeResources): Record<string, $util.Input<string>> {
  return {
    ...names,
    SLUICE_LANDING_URI: storage.landing.uri,
    SLUICE_RAW_URI: storage.raw.uri,
    SLUICE_STAGING_URI: storage.staging.uri,
    SLUICE_TABLES_URI: storage.tables.uri,
    SLUICE_OPS_URI: storage.ops.uri,
    SLUICE_DATABASE: catalog.database.name,
    SLUICE_BUS: bus.name,
    SLUICE_BUCKET_OWNER: accountId(),
    POWERTOOLS_SERVICE_NAME: $app.name,
    // Messages of errors may quote what was read; traces are for times and places.
    POWERTOOLS_TRACER_CAPTURE_ERROR: 'false',
  }
}

/**
 * SST 4.17.1 tests an Output for truth, so that every role trusts the whole account, not only in `sst dev`, where the
 * machine of the developer takes the role on. The managed policy that it attaches may write any log group.
 */
function hardenRole(args: aws.iam.RoleArgs): void {
  if ($dev) return
  args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' })
  args.managedPolicyArns = []
}

const pascal = (name: string): string =>
  name
    .split('-')
    .map(word => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('')
