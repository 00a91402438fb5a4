const suite = (await import(`../e2e/${process.env.EXPLORE ?? "03-sites"}.mjs`)).default;
export default { ...suite, beside: false, cases: suite.cases.map((one) => ({ ...one, longest: 120_000 })) };
