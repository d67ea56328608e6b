import { type Check, FUNCTION, MACHINE, ofType, one } from './check.ts'

const LOGS = 'aws:cloudwatch/logGroup:LogGroup'

export const computeChecks: readonly Check[] = [
  {
    name: 'functions run on Node 24 for x86_64, with memory, time and disk set within the limits of Lambda',
    find: graph => {
      const functions = ofType(graph, FUNCTION)
      if (functions.length !== (graph.stage === 'streams' ? 13 : 12)) return [`${functions.length} functions`]
      return functions
        .filter(
          ({ inputs }) =>
            inputs.runtime !== 'nodejs24.x' ||
            inputs.architectures.join() !== 'x86_64' ||
            !(inputs.memorySize >= 1_024 && inputs.memorySize <= 10_240) ||
            !(inputs.timeout > 60 && inputs.timeout <= 900) ||
            !(inputs.ephemeralStorage.size >= 512 && inputs.ephemeralStorage.size <= 10_240),
        )
        .map(each => each.name)
    },
    breakIt: graph => {
      one(graph, FUNCTION, 'QualityFunction').inputs.architectures = ['arm64']
    },
  },
  {
    name: 'functions and workflow are traced',
    find: graph => [
      ...ofType(graph, FUNCTION)
        .filter(({ inputs }) => inputs.tracingConfig?.mode !== 'Active')
        .map(each => each.name),
      ...ofType(graph, MACHINE)
        .filter(({ inputs }) => inputs.tracingConfiguration?.enabled !== true)
        .map(each => each.name),
    ],
    breakIt: graph => {
      one(graph, FUNCTION, 'PublishFunction').inputs.tracingConfig = undefined
    },
  },
  {
    name: 'functions and workflow write to a log group with an end',
    find: graph => {
      const groups = ofType(graph, LOGS).filter(each => each.inputs.retentionInDays > 0)
      const ids = groups.map(each => each.id)
      const arns = groups.map(each => `${each.arn}:*`)
      return [
        ...ofType(graph, FUNCTION)
          .filter(
            ({ inputs }) => !ids.includes(inputs.loggingConfig?.logGroup) || inputs.loggingConfig.logFormat !== 'JSON',
          )
          .map(each => each.name),
        ...ofType(graph, MACHINE)
          .filter(({ inputs }) => !arns.includes(inputs.loggingConfiguration?.logDestination))
          .map(each => each.name),
      ]
    },
    breakIt: graph => {
      one(graph, LOGS, 'IngestLogs').inputs.retentionInDays = 0
    },
  },
  {
    name: 'the workflow logs every event, but no data',
    find: graph =>
      ofType(graph, MACHINE)
        .filter(
          ({ inputs }) =>
            inputs.loggingConfiguration?.level !== 'ALL' || inputs.loggingConfiguration.includeExecutionData !== false,
        )
        .map(each => each.name),
    breakIt: graph => {
      one(graph, MACHINE, 'Refine').inputs.loggingConfiguration.includeExecutionData = true
    },
  },
  {
    name: 'functions know every zone, the database and the bus by the names of this stage',
    find: graph => {
      const bucket = (zone: string): string => `s3://${one(graph, 'aws:s3/bucket:Bucket', `${zone}Bucket`).id}`
      const expected: Readonly<Record<string, string>> = {
        SLUICE_LANDING_URI: bucket('Landing'),
        SLUICE_RAW_URI: bucket('Raw'),
        SLUICE_STAGING_URI: bucket('Staging'),
        SLUICE_TABLES_URI: bucket('Tables'),
        SLUICE_OPS_URI: bucket('Ops'),
        SLUICE_DATABASE: one(graph, 'aws:glue/catalogDatabase:CatalogDatabase', 'Database').inputs.name,
        SLUICE_BUS: one(graph, 'aws:cloudwatch/eventBus:EventBus', 'BusBus').id,
        SLUICE_BUCKET_OWNER: '123456789012',
      }
      return ofType(graph, FUNCTION).flatMap(({ name, inputs }) =>
        Object.entries(expected)
          .filter(([key, value]) => inputs.environment.variables[key] !== value)
          .map(([key]) => `${name}: ${key}`),
      )
    },
    breakIt: graph => {
      one(graph, FUNCTION, 'IngestFunction').inputs.environment.variables.SLUICE_RAW_URI = 's3://another'
    },
  },
]
