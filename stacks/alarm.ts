import { named } from './stage.ts'

export interface Alarm {
  readonly name: string
  readonly why: string
  readonly namespace: string
  readonly metric: string
  readonly statistic: 'Sum' | 'Maximum'
  readonly dimensions: Record<string, $util.Input<string>>
  /** The alarm fires above this value. */
  readonly above: number
  /** It fires as well when nothing is written for so long. */
  readonly silentMinutes?: number
}

export function metricAlarm(alarm: Alarm, topic: sst.aws.SnsTopic): void {
  new aws.cloudwatch.MetricAlarm(`Alarm-${alarm.name}`, {
    name: named(alarm.name),
    alarmDescription: alarm.why,
    namespace: alarm.namespace,
    metricName: alarm.metric,
    statistic: alarm.statistic,
    dimensions: alarm.dimensions,
    comparisonOperator: 'GreaterThanThreshold',
    threshold: alarm.above,
    period: alarm.silentMinutes === undefined ? 300 : alarm.silentMinutes * 60,
    evaluationPeriods: 1,
    // Most of these metrics are not written while nothing happens; a heartbeat always is.
    treatMissingData: alarm.silentMinutes === undefined ? 'notBreaching' : 'breaching',
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  })
}

/** As `metricsNamespace()` in `lake/aws` has it when the environment names none. */
export const METRICS = 'Sluice'
