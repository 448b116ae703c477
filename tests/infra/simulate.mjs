// Answers each line of JSON (a simulation) with one: {"result": "Allowed"} or what was wrong with the question.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const response = await runSimulation(JSON.parse(line), {})
  console.log(JSON.stringify(response))
}
