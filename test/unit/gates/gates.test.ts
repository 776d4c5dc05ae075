import { describe, expect, test } from 'vitest';
import { auditVerdicts } from '../../../scripts/gates/audit.ts';
import { licenceFaults } from '../../../scripts/gates/licences.ts';
import { sizeFaults } from '../../../scripts/gates/sizes.ts';

describe('the audit', () => {
  const shipped = new Set(['zod']);
  const answer = (...found: [name: string, severity: string][]) =>
    JSON.stringify({
      vulnerabilities: Object.fromEntries(
        found.map(([name, severity]) => [name, { name, severity, range: '<2', via: [] }]),
      ),
      metadata: { vulnerabilities: {}, dependencies: { total: 40, dev: 39 } },
    });

  test('passes where nothing grave is known', () => {
    const verdicts = auditVerdicts(answer(['zod', 'low'], ['mocha', 'moderate']), '', shipped);
    expect(verdicts.map(({ faults }) => faults)).toEqual([[], []]);
    expect(verdicts[0]?.what).toBe('npm audit: 1 packages, 0 high or critical, 1 lesser');
    expect(verdicts[1]?.what).toBe('npm audit: 39 packages, 0 high or critical, 1 lesser');
  });

  test('tells a grave vulnerability of what ships from one of a tool', () => {
    const [ships, tools] = auditVerdicts(
      answer(['zod', 'critical'], ['mocha', 'high']),
      '',
      shipped,
    );
    expect(ships?.faults).toEqual(['zod <2 has a critical vulnerability.']);
    expect(tools?.faults).toEqual(['mocha <2 has a high vulnerability.']);
  });

  test.each([
    [
      'a registry that takes no audit',
      '{"message":"405 Method Not Allowed - POST https://r.example/-/npm/v1"}',
      '',
    ],
    ['no network', '{"message":"request to https://r.example/ failed, reason: ENOTFOUND"}', ''],
    ['no answer', '', 'npm error audit endpoint returned an error'],
    ['no npm', '', 'spawn npm ENOENT'],
  ])('fails as what could not be asked: %s', (_why, stdout, stderr) => {
    for (const { faults, what } of auditVerdicts(stdout, stderr, shipped)) {
      expect(what).toMatch(/^could not be asked: .{10}/);
      expect(what).not.toContain('r.example');
      expect(faults).toHaveLength(1);
    }
  });
});

describe('the licences', () => {
  const text = 'Permission is hereby granted, free of charge, to any person. '.repeat(10);
  const notices = `good 1.0.0\n\n${text}\n\n${'-'.repeat(72)}\n\nshort 1.0.0\n\nLicence: MIT\n`;
  const faultsOf = (name: string, license?: string, version = '1.0.0') =>
    licenceFaults([{ name, version, license }], notices);

  test('pass where a package may ship, and its text stands in the notices', () => {
    expect(faultsOf('good', 'MIT')).toEqual([]);
  });

  test.each([
    ['that may not ship', 'good', 'GPL-3.0-only', '1.0.0', /under GPL-3.0-only/],
    ['with no licence', 'good', undefined, '1.0.0', /under no licence/],
    ['of another version', 'good', 'MIT', '2.0.0', /does not stand in/],
    ['without the text', 'short', 'MIT', '1.0.0', /without its text/],
  ])('fail for a package %s', (_what, name, license, version, fault) => {
    expect(faultsOf(name, license, version)).toEqual([expect.stringMatching(fault)]);
  });

  test('fail where nothing is bundled, which cannot be', () => {
    expect(licenceFaults([], notices)).toHaveLength(1);
  });
});

describe('the sizes', () => {
  const right = { activation: 90_000, host: 900_000, panel: 90_000, package: 90_000 };

  test('pass within their limits', () => {
    expect(sizeFaults(right)).toEqual([]);
  });

  test('fail beyond one, and where there is nothing to measure', () => {
    expect(sizeFaults({ ...right, activation: 100_001 })).toEqual([
      expect.stringMatching(/^The size of activation is 100001 bytes; the limit is 100000/),
    ]);
    expect(sizeFaults({ ...right, package: 0 })).toEqual(['There is no package to measure.']);
  });
});
