// Runs the recorded scenarios against our contracts: they do what the contracts of generation S4 did, but for the
// deviations that deviations.mjs lists, and there they do what deviations.json says.
//   RECORD_DEVIATIONS=1 node tests/contracts/behaviour.test.mjs     writes deviations.json anew
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { agree, compareStep, recordOurs, relabelCodes } from './comparison.mjs';
import { deviations } from './deviations.mjs';

const fileOfDeviations = new URL('deviations.json', import.meta.url);
const readJson = (url) => JSON.parse(readFileSync(url, 'utf8'));
const expected = readJson(new URL('behaviour.json', import.meta.url));
const name = (scenario, step) => `${scenario} ${step}`;

const listed = new Set(
  deviations.flatMap(({ steps, follows = {} }) =>
    [steps, follows].flatMap((of) =>
      Object.entries(of).flatMap(([scenario, indices]) => indices.map((i) => name(scenario, i))),
    ),
  ),
);

describe('contracts behave as recorded', () => {
  let actual;
  let codeHashes;
  let ours;

  before(async () => {
    const { scenarios, codeHashes: hashes } = await recordOurs();
    actual = scenarios;
    codeHashes = hashes;
    if (process.env.RECORD_DEVIATIONS) {
      const outputs = scenarios.flatMap(({ name: scenario, steps }) =>
        steps.flatMap((step, i) => (listed.has(name(scenario, i)) ? [[name(scenario, i), step]] : [])),
      );
      const text = JSON.stringify(relabelCodes(Object.fromEntries(outputs), codeHashes), null, 1);
      writeFileSync(fileOfDeviations, `${text}\n`);
    }
    ours = readJson(fileOfDeviations);
  });

  test('all scenarios, in order', () => {
    const names = (scenarios) => scenarios.map(({ name: scenario, steps }) => `${scenario}: ${steps.length}`);
    assert.deepEqual(names(actual), names(expected.scenarios));
  });

  expected.scenarios.forEach((scenario, i) =>
    test(scenario.name, () => {
      assert.deepEqual(actual[i].params, scenario.params);
      scenario.steps.forEach((step, j) => {
        if (listed.has(name(scenario.name, j))) compareStep(actual[i].steps[j], ours[name(scenario.name, j)], codeHashes, {});
        else compareStep(actual[i].steps[j], step, codeHashes, expected.code_hashes);
      });
    }),
  );

  test('every deviation that is listed is one, and has its output', () => {
    const real = expected.scenarios.flatMap(({ name: scenario, steps }, i) =>
      steps.flatMap((step, j) =>
        agree(actual[i].steps[j], step, codeHashes, expected.code_hashes) ? [] : [name(scenario, j)],
      ),
    );
    assert.deepEqual([...listed].sort(), real.sort());
    assert.deepEqual(Object.keys(ours).sort(), real.sort());
  });

  test('every deviation is explained in the README and has a test of its own', () => {
    const readme = readFileSync(new URL('../../contracts/README.md', import.meta.url), 'utf8');
    for (const { closes, test: proof } of deviations) {
      const [file, title] = proof.split(/: (.*)/s);
      const specs = readFileSync(new URL(`../../contracts/tests/${file}`, import.meta.url), 'utf8');
      assert.ok(specs.includes(`test('${title}'`) || specs.includes(`test("${title}"`), `${file} has no test "${title}"`);
      for (const id of closes) assert.ok(readme.includes(`| ${id} `), `contracts/README.md has no row for ${id}`);
    }
  });
});
