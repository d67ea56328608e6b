import { BATCH_REJECTED, type BatchRejected } from '#lake/events.ts'
import { type AthenaTargets, runStatement } from './athena.ts'
import { BATCH_FAILED, type BatchFailed } from './events.ts'
import type { Branch, StateMachine, States } from './states-language.ts'
import { ANNOUNCING, announce, announcedFailure, giveUp, invoke, quoted, type Templated } from './tasks.ts'

/** What the definition refers to: ARNs of the functions and the topic, the name of Sluice's bus, the staging zone's URI, and Athena. */
export interface RefineTargets {
  readonly quality: string
  readonly cdcApply: string
  readonly publish: string
  readonly rejectedTopic: string
  readonly bus: string
  readonly staging: string
  readonly athena: AthenaTargets
}

/**
 * `refine`: one raw batch through the quality gate into its table. Started by "Raw Batch Ready"; both steps may run twice
 * for one batch, because EventBridge delivers at least once and a retry may overlap an attempt that timed out.
 */
export function refine(targets: RefineTargets): StateMachine {
  return {
    Comment: 'Gate one raw batch and publish what passes.',
    QueryLanguage: 'JSONata',
    // Above all retries of both steps, so that an execution which hangs ends and is counted as timed out.
    TimeoutSeconds: 21_600,
    ...refineSteps(targets),
  }
}

/** Where a batch goes on after its steps; without it the execution ends there. */
export interface RefineExits {
  /** Published, or halted and recorded. */
  readonly done: string
  /** After "Batch Failed"; the input has `error` and `cause`. */
  readonly failed: string
}

/** The steps of one batch, which a replay takes too. Without a topic nobody is told of halted batches one by one. */
export function refineSteps(
  targets: Omit<RefineTargets, 'rejectedTopic'> & { readonly rejectedTopic?: string },
  exits?: RefineExits,
): Branch {
  const { rejectedTopic } = targets
  const leave = exits === undefined ? ({ End: true } as const) : { Next: exits.done }
  return {
    StartAt: 'Quality',
    States: {
      Quality: { ...invoke(targets.quality, BATCH), Catch: [giveUpAt('quality')], Next: 'Judge' },
      Judge: {
        Type: 'Choice',
        Choices: [
          {
            Condition: "{% $states.input.status = 'halt' %}",
            Next: rejectedTopic === undefined ? 'Announce Rejection' : 'Notify',
          },
          {
            Condition: "{% $states.input.status = 'pass' and $states.input.mode in ['append', 'replace'] %}",
            Next: 'Publish',
          },
          {
            Condition: "{% $states.input.status = 'pass' and $states.input.mode in ['merge', 'history'] %}",
            Next: 'Apply Changes',
          },
        ],
        Default: 'Unroutable',
      },
      // What was refused, what the rules said and the report are the same whatever became of the rows: publish goes on from there.
      ...applyChanges(targets),
      Publish: { ...invoke(targets.publish, BATCH), Catch: [giveUpAt('publish')], ...leave },
      ...(rejectedTopic === undefined ? {} : notification(rejectedTopic)),
      ...rejection(targets),
      // People are told first: what the rules said can be recorded by whoever starts the batch again.
      Record: {
        ...invoke(targets.publish, BATCH),
        Output: '{% $states.input %}',
        Catch: [giveUpAt('publish')],
        Next: exits?.done ?? 'Rejected',
      },
      ...(exits === undefined ? { Rejected: { Type: 'Succeed' } as const } : {}),
      ...failure(targets.bus, exits),
    },
  }
}

/**
 * Change events. A batch that outgrows the function comes back as a statement for Athena, and the function goes on from there: rows are
 * located, folded, merged, and located again, until it has nothing more to ask for. Whatever dies in between, it finds where it stands.
 */
function applyChanges(targets: Pick<RefineTargets, 'cdcApply' | 'athena'>): States {
  const judge = { Catch: [giveUpAt('cdc-apply')], Next: 'Is Applied?' } as const
  const step = '{% $states.input.step %}'
  return {
    'Apply Changes': { ...invoke(targets.cdcApply, BATCH), ...judge },
    'Is Applied?': {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $exists($states.input.statement) %}', Assign: { attempts: 1 }, Next: 'Run Statement' },
      ],
      Default: 'Publish',
    },
    ...runStatement(targets.athena, { failed: giveUpAt('cdc-apply'), next: 'Go On' }),
    'Go On': { ...invoke(targets.cdcApply, { ...BATCH, step }), ...judge },
  }
}

/** A halted batch is a verdict, not a fault: it is told to people and to programs, and the execution succeeds. */
function notification(topic: string): StateMachine['States'] {
  return {
    Notify: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish',
      Arguments: {
        TopicArn: topic,
        // SNS refuses subjects of more than 100 characters.
        Subject: `{% $substring('Sluice rejected a batch of ' & ${DETAIL}.dataset, 0, 100) %}`,
        Message: `{% $string($merge([${DETAIL}, $states.input]), true) %}`,
      },
      Output: '{% $states.input %}',
      TimeoutSeconds: 60,
      Retry: [ANNOUNCING],
      Catch: [giveUpAt('announce')],
      Next: 'Announce Rejection',
    },
  }
}

function rejection(targets: Pick<RefineTargets, 'bus' | 'staging'>): StateMachine['States'] {
  const detail: Templated<BatchRejected> = {
    ...BATCH,
    reason: "{% $exists($states.input.reason) ? $states.input.reason : 'halted by a quality rule' %}",
    verdict: `{% ${quoted(`${targets.staging}/`)} & ${DETAIL}.dataset & '/' & ${DETAIL}.batch & '/verdict.json' %}`,
  }
  return {
    'Announce Rejection': {
      ...announce(targets.bus, BATCH_REJECTED, detail),
      Catch: [giveUpAt('announce')],
      Next: 'Record',
    },
  }
}

function failure(bus: string, exits: RefineExits | undefined): StateMachine['States'] {
  const detail: Templated<BatchFailed> = {
    ...BATCH,
    stage: '{% $states.input.stage %}',
    error: '{% $states.input.error %}',
    cause: '{% $states.input.cause %}',
    execution: '{% $states.context.Execution.Id %}',
  }
  return {
    Unroutable: {
      Type: 'Pass',
      Output: {
        stage: 'route',
        error: 'Sluice.Unroutable',
        cause: '{% "refine has no way for this answer of quality: " & $string($states.input) %}',
      },
      Next: 'Announce Failure',
    },
    ...announcedFailure(bus, BATCH_FAILED, { detail, ...(exits === undefined ? {} : { next: exits.failed }) }),
  }
}

const giveUpAt = (stage: BatchFailed['stage']) => giveUp(stage)

/** The event's detail stays reachable from every state, whatever the states before it put out. */
const DETAIL = '$states.context.Execution.Input.detail'
const BATCH = { dataset: `{% ${DETAIL}.dataset %}`, batch: `{% ${DETAIL}.batch %}` } as const
