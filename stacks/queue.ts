import { DEAD_LETTER_RETENTION_SECONDS } from './plan.ts'

/** Who may put messages into a queue: EventBridge for these rules. */
export interface Senders {
  readonly rules: $util.Input<string>[]
}

/** For messages that nobody could process; the alarm on its depth is what makes it more than a bin. */
export function deadLetterQueue(name: string): sst.aws.Queue {
  return new sst.aws.Queue(name, {
    transform: {
      queue: args => {
        args.messageRetentionSeconds = DEAD_LETTER_RETENTION_SECONDS
        args.sqsManagedSseEnabled = true
      },
    },
  })
}

/** A queue has one policy: TLS only, and EventBridge only for the rules that are named. */
export function queuePolicy(name: string, queue: sst.aws.Queue, { rules }: Senders): void {
  const document = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        sid: 'TlsOnly',
        effect: 'Deny',
        actions: ['sqs:*'],
        resources: [queue.arn],
        principals: [{ type: '*', identifiers: ['*'] }],
        conditions: [{ test: 'Bool', variable: 'aws:SecureTransport', values: ['false'] }],
      },
      ...(rules.length === 0
        ? []
        : [
            {
              sid: 'Events',
              actions: ['sqs:SendMessage'],
              resources: [queue.arn],
              principals: [{ type: 'Service', identifiers: ['events.amazonaws.com'] }],
              conditions: [{ test: 'ArnEquals', variable: 'aws:SourceArn', values: rules }],
            },
          ]),
    ],
  })
  new aws.sqs.QueuePolicy(`${name}Policy`, { queueUrl: queue.url, policy: document.json })
}
