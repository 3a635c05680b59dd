import { InvalidParameterError } from '#shared/sns-wire'

/**
 * A refusal of one attribute, as it reads where attributes come as a map (CreateTopic, Subscribe): named
 * after the parameter that held it. The one of an unknown name stays as it is. Recorded from SNS.
 */
export function asAttributesError(error: unknown): unknown {
  if (!(error instanceof InvalidParameterError)) return error
  const text = error.message.replace(/^Invalid parameter: /, '')
  if (text === 'AttributeName') return error
  return new InvalidParameterError(`Invalid parameter: Attributes Reason: ${text.replace(' Reason:', ':')}`)
}
