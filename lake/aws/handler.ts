import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { collectAtOnce } from '../collector.ts'
import { LakeError, TERMINAL_ERROR } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { logFields, logText } from './log-fields.ts'
import { telemetry } from './telemetry.ts'

export type AwsHandler<R> = (event: unknown, context: Context) => Promise<R>

/**
 * A story as a Lambda handler: request and correlation ids on every log line, metrics of cold starts and failures, a trace,
 * and nothing of the event logged. Errors are logged and thrown on, so that the queue or the state machine retries, or gives up
 * with a reason.
 */
export function lambda<R>(lake: Lake, story: (lake: Lake, event: unknown) => Promise<R>): AwsHandler<R> {
  collectAtOnce()
  const { logger, metrics, tracer } = telemetry()
  const handler = middy<unknown, R>()
    .use(injectLambdaContext(logger, { logEvent: false, resetKeys: true }))
    .use(logMetrics(metrics, { captureColdStartMetric: true }))
    .use(captureLambdaHandler(tracer, { captureResponse: false }))
    .use({
      before: ({ event, context }) => {
        logger.appendKeys({ correlation_id: correlationId(event) ?? context.awsRequestId })
      },
      // A block, because Middy takes what `after` returns for the answer.
      after: () => {
        metrics.addMetric('Failures', MetricUnit.Count, 0)
      },
      onError: ({ error }) => {
        metrics.addMetric('Failures', MetricUnit.Count, 1)
        logger.error('the invocation failed', errorFields(error))
        // Step Functions retries by the error's name, and repeating what can never succeed only costs time.
        if (error instanceof LakeError && !error.retryable) error.name = TERMINAL_ERROR
      },
    })
    .handler(async event => story(lake, event))
  // Middy's own type allows callbacks and early answers, of which none of these middlewares makes use.
  return handler as unknown as AwsHandler<R>
}

/** Whatever the event calls itself by: the batch, the run of a compaction, or the id that EventBridge gave it. */
function correlationId(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return undefined
  const fields = event as Readonly<Record<string, unknown>>
  const detail = typeof fields['detail'] === 'object' && fields['detail'] !== null ? fields['detail'] : {}
  const candidates = [
    fields['correlationId'],
    fields['batch'],
    fields['run'],
    (detail as Record<string, unknown>)['batch'],
    fields['id'],
  ]
  const found = candidates.find(candidate => typeof candidate === 'string' && /^[\w:./=+-]{1,200}$/.test(candidate))
  return typeof found === 'string' ? found : undefined
}

/** The cause is left out: SDK errors carry requests, and parser errors carry what they could not parse. */
function errorFields(error: unknown): Record<string, string | number | boolean> {
  if (error instanceof LakeError)
    return {
      ...logFields({ ...error.context, kind: error.kind, retryable: error.retryable }),
      error_message: logText(error.message),
    }
  if (!(error instanceof Error)) return { error_name: typeof error }
  const frames = (error.stack ?? '').split('\n').filter(line => line.startsWith('    at '))
  return { error_name: error.name, error_message: logText(error.message), error_stack: frames.slice(0, 8).join('\n') }
}
