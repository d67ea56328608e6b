import { accountId } from './stage.ts'
import type { Storage } from './storage.ts'
/** A topic under our own key: CloudWatch and other services cannot use the default one. */
export function encryptedTopic(name: string, key: aws.kms.Key): sst.aws.SnsTopic {
  return new sst.aws.SnsTopic(name, {
    transform: {
      topic: args => {
        args.kmsMasterKeyId = key.arn
      },
    },
  })
}

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs

/** TLS only, besides what is given. Roles of the account publish by their own policies. */
export function topicPolicy(name: string, topic: sst.aws.SnsTopic, statements: readonly Statement[] = []): void {
  const tlsOnly: Statement = {
    sid: 'TlsOnly',
    effect: 'Deny',
    actions: ['sns:Publish'],
    resources: [topic.arn],
    principals: [{ type: '*', identifiers: ['*'] }],
    conditions: [{ test: 'Bool', variable: 'aws:SecureTransport', values: ['false'] }],
  }
  const document = aws.iam.getPolicyDocumentOutput({ statements: [tlsOnly, ...statements] })
  new aws.sns.TopicPolicy(`${name}Policy`, { arn: topic.arn, policy: document.json })
}

/** Where all alarms are told. */
export function alarmTopic({ messages }: Storage): sst.aws.SnsTopic {
  const topic = encryptedTopic('Alarms', messages)
  topicPolicy('Alarms', topic, [
    {
      sid: 'Alarms',
      actions: ['sns:Publish'],
      resources: [topic.arn],
      principals: [{ type: 'Service', identifiers: ['cloudwatch.amazonaws.com'] }],
      conditions: [{ test: 'StringEquals', variable: 'aws:SourceAccount', values: [accountId()] }],
    },
  ])
  return topic
}
