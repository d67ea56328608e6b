/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app(input) {
    // Stages with these names keep their data, keys and tables when the app is removed, and refuse to be removed at all.
    const production = ['prod', 'production'].includes(input?.stage ?? '')
    return {
      name: 'sluice',
      home: 'aws',
      removal: production ? 'retain' : 'remove',
      protect: production,
      providers: { aws: { defaultTags: { tags: { app: 'sluice', stage: input?.stage ?? 'none' } } } },
    }
  },
  // SST allows no imports at the top of this file.
  async run() {
    const { storage } = await import('./stacks/storage.ts')
    const { catalog } = await import('./stacks/catalog.ts')
    const { ingest } = await import('./stacks/ingest.ts')
    const { firehose } = await import('./stacks/firehose.ts')
    const { records } = await import('./stacks/records.ts')
    const { refine } = await import('./stacks/refine.ts')
    const { compact } = await import('./stacks/compact.ts')
    const { maintain } = await import('./stacks/maintain.ts')
    const { watch } = await import('./stacks/watch.ts')
    const { canary } = await import('./stacks/canary.ts')
    const { replay } = await import('./stacks/replay.ts')
    const { erase } = await import('./stacks/erase.ts')
    const { operatorEnvironment } = await import('./stacks/operator.ts')
    const { scheduleGroup } = await import('./stacks/machine.ts')
    const { alarms } = await import('./stacks/alarms.ts')

    const zones = storage()
    const resources = { storage: zones, catalog: catalog(zones), bus: new sst.aws.Bus('Bus') }
    const schedules = scheduleGroup()
    const pipeline = { ingest: ingest(resources), records: records(resources), refine: refine(resources) }
    const stages = {
      storage: zones,
      firehose: firehose(resources),
      ...pipeline,
      compact: compact(resources, schedules),
      maintain: maintain(resources, schedules),
      watch: watch(resources, { ...pipeline, schedules }),
      canary: canary(resources, schedules),
      replay: replay(resources, { ...pipeline, schedules }),
      schedules,
    }
    const deadLetters = {
      ingest: stages.ingest.deadLetters,
      refine: stages.refine.deadLetters,
      compact: stages.compact.deadLetters,
      maintain: stages.maintain.deadLetters,
      watch: stages.watch.deadLetters,
      canary: stages.canary.deadLetters,
      replay: stages.replay.deadLetters,
    }
    const eraser = erase(resources, Object.values(deadLetters))
    const { topic } = alarms(stages)

    return {
      landing: zones.landing.uri,
      tables: zones.tables.uri,
      database: resources.catalog.database.name,
      bus: resources.bus.name,
      stream: stages.firehose.stream.name,
      refine: stages.refine.machine.arn,
      rejected: stages.refine.rejected.arn,
      compact: stages.compact.machine.arn,
      maintain: stages.maintain.machine.arn,
      replay: stages.replay.machine.arn,
      alarms: topic.arn,
      eraser: eraser.role.arn,
      environment: operatorEnvironment(resources, {
        queues: { ingest: stages.ingest.queue },
        deadLetters,
        stream: stages.firehose.stream,
        machines: {
          refine: stages.refine.machine,
          compact: stages.compact.machine,
          maintain: stages.maintain.machine,
          replay: stages.replay.machine,
        },
      }),
    }
  },
})
