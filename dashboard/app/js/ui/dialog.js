// One dialog for every action that cannot be taken back by the next click: it says what will happen, asks for a reason
// where one is kept, runs the action, and shows why it failed without closing.

import { html, nothing, render } from "../../vendor/lit/index.js";
import { failure } from "./states.js";
import { toast } from "./toast.js";

/**
 * @typedef {object} Question
 * @property {string} title What is asked, as a question.
 * @property {unknown} body What will happen.
 * @property {string} action The button's words: the verb of the title.
 * @property {boolean} [danger]
 * @property {'required' | 'optional'} [reason] Whether a reason is kept with it, in the audit trail.
 * @property {{label: string, value: string, options: string[]}} [choice]
 * @property {string} done What is said when it is done.
 * @property {(given: {reason: string, choice: string}) => Promise<unknown>} run
 */

/**
 * Asks once, and runs the action if it is confirmed. Resolves to whether it was done.
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
export function ask(question) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  document.body.append(dialog);
  const cameFrom = document.activeElement;
  let isRunning = false;
  /** @type {unknown} */
  let failed = null;

  return new Promise((resolve) => {
    /** @param {SubmitEvent} event */
    const submit = async (event) => {
      event.preventDefault();
      if (isRunning) return;
      const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
      isRunning = true;
      failed = null;
      draw();
      try {
        await question.run({ reason: String(form.get("reason") ?? "").trim(), choice: String(form.get("choice") ?? "") });
        toast(question.done);
        leave(true);
      } catch (error) {
        isRunning = false;
        failed = error;
        draw();
      }
    };
    /** @param {boolean} isDone */
    const leave = (isDone) => {
      dialog.close();
      dialog.remove();
      if (cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus();
      resolve(isDone);
    };
    const draw = () => render(template(question, isRunning, failed, submit, () => leave(false)), dialog);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (!isRunning) leave(false);
    });
    draw();
    dialog.showModal();
  });
}

/**
 * @param {Question} question
 * @param {boolean} isRunning
 * @param {unknown} failed
 * @param {(event: SubmitEvent) => void} submit
 * @param {() => void} cancel
 */
function template(question, isRunning, failed, submit, cancel) {
  const { choice, reason } = question;
  return html`
    <form @submit=${submit}>
      <h2 id="dialog-title">${question.title}</h2>
      <p>${question.body}</p>
      ${choice
        ? html`
            <label class="field">
              ${choice.label}
              <select name="choice" autofocus>
                ${choice.options.map(
                  (option) => html`<option value=${option} ?selected=${option === choice.value}>${option}</option>`,
                )}
              </select>
            </label>
          `
        : nothing}
      ${reason
        ? html`
            <label class="field">
              ${reason === "required" ? "Reason" : "Reason (optional)"}
              <textarea
                name="reason"
                maxlength="500"
                ?required=${reason === "required"}
                ?autofocus=${!choice}
                placeholder="For the audit trail"
              ></textarea>
            </label>
          `
        : nothing}
      ${failed ? failure(failed) : nothing}
      <div class="buttons">
        <button type="button" class="button" ?disabled=${isRunning} @click=${cancel}>Cancel</button>
        <button class="button primary ${question.danger ? "danger" : ""}" ?disabled=${isRunning}>
          ${isRunning ? "Working…" : question.action}
        </button>
      </div>
    </form>
  `;
}
