// schemas.mjs < {"manifests": [...]} or {"bill": "text"}: prints what the published schemas find wrong, a line
// each. To be run from beside node_modules; test_schemas.py puts it there.
import { readFileSync } from "node:fs";

const PACKAGES = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "cert-manager.io": "@kubernetes-models/cert-manager",
};

async function checkManifest(document) {
  const group = document.apiVersion.split("/")[0];
  const models = await import(`${PACKAGES[group] || "kubernetes-models"}/${document.apiVersion}`);
  try {
    new models[document.kind](document).validate();
  } catch (fault) {
    console.log(`${document.kind} ${document.metadata.name}: ${fault.message}`);
  }
}

async function checkBill(text) {
  const { Spec, Validation } = await import("@cyclonedx/cyclonedx-library");
  const faults = await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text);
  if (faults !== null) {
    console.log(JSON.stringify(faults));
  }
}

const asked = JSON.parse(readFileSync(0, "utf8"));
for (const document of asked.manifests || []) {
  await checkManifest(document);
}
if (asked.bill) {
  await checkBill(asked.bill);
}
