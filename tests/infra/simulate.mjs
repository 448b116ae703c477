// Answers each line of JSON, a simulation, with one: {"result": "Allowed"}, "ImplicitlyDenied" or "ExplicitlyDenied"; {"errors": ...}
// for a question that cannot be: an action that there is not, or a resource of the wrong kind.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const { overallResult, errors } = await runSimulation(JSON.parse(line), {})
  console.log(JSON.stringify({ result: overallResult, errors }))
}
