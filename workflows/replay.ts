import { REPLAY_FAILED, type ReplayFailed } from './events.ts'
import { type RefineTargets, refineSteps } from './refine.ts'
import type { Branch, Catcher, MapState, State, StateMachine, States } from './states-language.ts'
import { announcedFailure, giveUp, invoke, type Templated } from './tasks.ts'

/** What the definition refers to: the functions of `refine` and the replay's own, and the bucket of documents. */
export interface ReplayTargets extends Omit<RefineTargets, 'rejectedTopic'> {
  readonly replay: string
  readonly opsBucket: string
  /** Batches of one replay at a time, whatever the replay asks for. */
  readonly batchesAtOnce: number
}

/**
 * `replay`: raw objects of the past, batch by batch, through the steps of `refine`. Started with `{ replay, generation }` of a replay
 * that is planned, or with `{ request }`, which is planned under the name of the execution. Each batch is an execution of its
 * own, so that a failure is the batch's alone; as many run at a time as the replay asks for, beside the executions of `refine`.
 */
export function replay(targets: ReplayTargets): StateMachine {
  return {
    Comment: 'Refine raw objects of the past again, in batches of their own.',
    QueryLanguage: 'JSONata',
    // Pausing ends an execution, and resuming starts the next one: this bounds one of them.
    TimeoutSeconds: 1_209_600,
    StartAt: 'Begin',
    States: {
      Begin: {
        ...invoke(targets.replay, BEGIN),
        Assign: {
          replay: '{% $states.result.Payload.replay %}',
          generation: '{% $states.result.Payload.generation %}',
          concurrency: '{% $states.result.Payload.concurrency %}',
          itemsKey: '{% $states.result.Payload.itemsKey %}',
        },
        Catch: [{ ...giveUpAt('begin'), Assign: { replay: `{% ${NAME} %}` } }],
        Next: 'Judge Plan',
      },
      'Judge Plan': {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.input.items = 0 %}', Next: 'Nothing To Do' }],
        Default: 'Replay Batches',
      },
      'Nothing To Do': { Type: 'Succeed' },
      'Replay Batches': batches(targets),
      Finish: {
        ...invoke(targets.replay, { action: 'finish', replay: '{% $replay %}', generation: '{% $generation %}' }),
        Catch: [giveUpAt('finish')],
        Next: 'Review',
      },
      ...review(targets.bus),
    },
  }
}

const INPUT = '$states.context.Execution.Input'
const NAME = `$exists(${INPUT}.replay) ? ${INPUT}.replay : $states.context.Execution.Name`
const BEGIN = `{% $merge([$sift(${INPUT}, function($value, $key) { $key in ['generation', 'request'] }), { 'action': 'begin', 'replay': ${NAME} }]) %}`

/** A batch that fails is told of by "Batch Failed" and in the report; it keeps no other from being replayed. */
function batches(targets: ReplayTargets): MapState {
  return {
    Type: 'Map',
    Label: 'Batches',
    ItemReader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSON' },
      Arguments: { Bucket: targets.opsBucket, Key: '{% $itemsKey %}' },
    },
    ItemSelector: "{% $merge([$states.context.Map.Item.Value, { 'generation': $generation }]) %}",
    MaxConcurrency: `{% $min([$concurrency, ${targets.batchesAtOnce}]) %}`,
    ToleratedFailurePercentage: 100,
    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...oneBatch(targets) },
    // The outputs of thousands of batches are more than a state may put out.
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Arguments: { Bucket: targets.opsBucket, Prefix: "{% 'replays/' & $replay & '/map' %}" },
    },
    Output: {},
    Catch: [giveUpAt('map')],
    Next: 'Finish',
  }
}

const ITEM = {
  replay: `{% ${INPUT}.replay %}`,
  item: `{% ${INPUT}.item %}`,
  generation: `{% ${INPUT}.generation %}`,
  batch: `{% ${INPUT}.detail.batch %}`,
} as const

function oneBatch(targets: ReplayTargets): Branch {
  const { StartAt, States } = refineSteps(targets, { done: 'Settle', failed: 'Settle Failure' })
  return {
    StartAt: 'Admit',
    States: {
      Admit: {
        ...invoke(targets.replay, { action: 'admit', ...ITEM }),
        Catch: [{ ...giveUp('admit'), Next: 'Settle Failure' }],
        Next: 'Is Admitted?',
      },
      'Is Admitted?': {
        Type: 'Choice',
        Choices: [{ Condition: "{% $states.input.go = 'refine' %}", Next: StartAt }],
        Default: 'Left As It Is',
      },
      'Left As It Is': { Type: 'Succeed' },
      ...States,
      Settle: {
        ...invoke(targets.replay, { action: 'settle', ...ITEM }),
        Catch: [{ ...giveUp('settle'), Next: 'Failed' }],
        End: true,
      },
      'Settle Failure': {
        ...invoke(targets.replay, {
          action: 'settle',
          ...ITEM,
          failure: "{% $states.input.error & ': ' & $states.input.cause %}",
        }),
        Output: '{% $states.input %}',
        Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}', Next: 'Failed' }],
        Next: 'Failed',
      },
    },
  }
}

const GIVE_UP = 'Announce Replay Failure'
const giveUpAt = (stage: string): Catcher => ({ ...giveUp(stage), Next: GIVE_UP })

function review(bus: string): States {
  const detail: Templated<ReplayFailed> = {
    replay: '{% $replay %}',
    error: '{% $states.input.error %}',
    cause: '{% $states.input.cause %}',
    execution: '{% $states.context.Execution.Id %}',
  }
  const announced = announcedFailure(bus, REPLAY_FAILED, { detail, next: 'Replay Failed' })
  return {
    Review: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.input.failed > 0 %}', Next: 'Batches Failed' }],
      Default: 'Replayed',
    },
    Replayed: { Type: 'Succeed' },
    'Batches Failed': {
      Type: 'Pass',
      Output: {
        error: 'Sluice.BatchesFailed',
        cause:
          "{% $string($states.input.failed) & ' of ' & $string($states.input.items) & ' batches failed; the report of the replay names them' %}",
      },
      Next: GIVE_UP,
    },
    // Names of states are the whole machine's, and the batches have states of these names.
    [GIVE_UP]: announced['Announce Failure'] as State,
    'Replay Failed': announced['Failed'] as State,
  }
}
