// Puts the server's own drawing into the page, where it can follow the theme's colours.
export default function ({ data, parentElement: root }) {
  for (const size of ["wide", "narrow"]) {
    const drawing = root.querySelector(`.${size}`);
    drawing.innerHTML = data[size];
    drawing.setAttribute("aria-label", data.says); // a picture only once it has a name
    drawing.setAttribute("role", "img");
    drawing.firstElementChild.setAttribute("aria-hidden", "true");
  }
}
