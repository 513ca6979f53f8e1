// Short messages in the corner: what an action did.

const STAYS = 5000;

/**
 * @param {string} text
 * @param {'good' | 'danger'} [kind]
 */
export function toast(text, kind = "good") {
  let box = document.querySelector(".toasts");
  if (!box) {
    box = document.createElement("div");
    box.className = "toasts";
    box.setAttribute("role", "status");
    document.body.append(box);
  }
  const message = document.createElement("p");
  message.className = `toast ${kind}`;
  message.textContent = text;
  box.append(message);
  setTimeout(() => message.remove(), STAYS);
}
