/**
 * Refuses parameters that SNS would act on and this server does not yet: storing one unenforced or
 * dropping it silently would promise what is not kept. Parameters unknown to SNS are ignored, as
 * SNS ignores them.
 */

import { InvalidParameterError, type Parameters } from '#shared/sns-wire'

/**
 * @param names parameters as the API names them; `Tags` covers `Tags.member.1.Key`, while an empty
 *   list (`Tags=`, as SDKs send it) asks for nothing and passes
 * @throws {InvalidParameterError}
 */
export function refuseUnsupported(parameters: Parameters, names: readonly string[]): void {
  for (const given of parameters.names()) {
    const name = names.find((candidate) => given === candidate || given.startsWith(`${candidate}.`))
    if (name === undefined) continue
    if (given === name && parameters.get(given) === '' && LISTS.has(name)) continue
    throw unsupported(name)
  }
}

export function unsupported(name: string): InvalidParameterError {
  return new InvalidParameterError(`Invalid parameter: ${name} Reason: not supported by this server yet`)
}

const LISTS = new Set(['Tags'])
