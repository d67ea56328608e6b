import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { Tracer } from '@aws-lambda-powertools/tracer'
import type { Log } from '../lake.ts'
import { logFields, logText } from './log-fields.ts'

/** One of each per process. Powertools reads POWERTOOLS_SERVICE_NAME, POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_LOG_LEVEL itself. */
export interface Telemetry {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracer: Tracer
}

let shared: Telemetry | undefined

export function telemetry(): Telemetry {
  shared ??= {
    logger: new Logger(),
    metrics: new Metrics({ namespace: metricsNamespace() }),
    tracer: new Tracer(),
  }
  return shared
}

export const metricsNamespace = (): string => process.env['POWERTOOLS_METRICS_NAMESPACE'] ?? 'Sluice'

/** The Log port on Powertools: JSON lines with the allowed fields only. */
export function powertoolsLog(logger: Pick<Logger, 'info' | 'warn' | 'error'>): Log {
  return {
    info: (message, fields = {}) => logger.info(logText(message), logFields(fields)),
    warn: (message, fields = {}) => logger.warn(logText(message), logFields(fields)),
    error: (message, fields = {}) => logger.error(logText(message), logFields(fields)),
  }
}
