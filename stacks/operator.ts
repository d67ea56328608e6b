import { environment, type LakeResources } from './function.ts'

export interface Operated {
  readonly queues: Readonly<Record<string, sst.aws.Queue>>
  readonly deadLetters: Readonly<Record<string, sst.aws.Queue>>
  readonly machines: Readonly<Record<string, aws.sfn.StateMachine>>
  readonly stream: aws.kinesis.FirehoseDeliveryStream
}

/** The names by which `sluice … --lake aws` finds the stage: it reads them from what a deployment leaves in `.sst/outputs.json`. */
export function operatorEnvironment(
  resources: LakeResources,
  { queues, deadLetters, machines, stream }: Operated,
): Record<string, $util.Input<string>> {
  const urls = (prefix: string, all: Operated['queues']) =>
    Object.entries(all).map(([name, queue]) => [variable(prefix, name), queue.url] as const)
  return {
    ...environment(resources),
    SLUICE_STREAM: stream.name,
    ...Object.fromEntries([...urls('QUEUE', queues), ...urls('DEAD_LETTERS', deadLetters)]),
    ...Object.fromEntries(
      Object.entries(machines).map(([name, machine]) => [variable('MACHINE', name), machine.arn] as const),
    ),
  }
}

const variable = (prefix: string, name: string): string => `SLUICE_${prefix}_${name.toUpperCase().replaceAll('-', '_')}`
